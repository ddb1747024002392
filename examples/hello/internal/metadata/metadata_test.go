package metadata

import "testing"

func TestCurrentIsEmptyWhereNobodyFilledItIn(t *testing.T) {
	if got := Current(); got != (Build{}) {
		t.Fatalf("got %+v", got)
	}
}
