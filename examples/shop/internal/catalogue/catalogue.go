// Package catalogue is what the shop sells; the list travels inside the program.
package catalogue

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed items.txt
var items string

// Prices returns the price of each item, in cents.
func Prices() map[string]int {
	prices := map[string]int{}
	for line := range strings.Lines(items) {
		name, price, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if cents, err := strconv.Atoi(price); err == nil {
			prices[name] = cents
		}
	}
	return prices
}
