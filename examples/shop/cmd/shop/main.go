// Command shop serves the catalogue.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/shop/internal/catalogue"
)

var version string

func main() {
	addr := flag.String("listen", ":9000", "address to serve on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: *addr, Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	slog.Info("open", "address", *addr, "version", version)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		slog.Error("closed", "error", err)
		os.Exit(1)
	}
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/prices", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(catalogue.Prices())
	})
	return mux
}
