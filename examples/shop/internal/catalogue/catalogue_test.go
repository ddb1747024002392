package catalogue

import "testing"

func TestPricesAreOfTheEmbeddedList(t *testing.T) {
	prices := Prices()
	if len(prices) != 3 || prices["lantern"] != 3400 {
		t.Fatalf("got %v", prices)
	}
}
