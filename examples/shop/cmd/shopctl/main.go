// Command shopctl prints the price of an item.
package main

import (
	"fmt"
	"os"

	"example.com/shop/internal/catalogue"
)

func main() {
	for _, name := range os.Args[1:] {
		fmt.Println(name, catalogue.Prices()[name])
	}
}
