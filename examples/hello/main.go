// Command hello is a small web service that keeps the contract of a well-behaved pod: it answers
// probes, tells readiness apart from health, and drains before it stops.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/hello/internal/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		slog.Error("hello ended", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then drains. Getenv is os.Getenv, or a test's.
func run(ctx context.Context, getenv func(string) string, out *os.File) error {
	port := getenv("PORT")
	if port == "" {
		port = "8080"
	}
	drain := 1500 * time.Millisecond
	if given, err := time.ParseDuration(getenv("DRAIN")); err == nil {
		drain = given
	}
	service := server.New(slog.New(slog.NewJSONHandler(out, nil)), getenv("GREETING"), drain)
	return service.Serve(ctx, ":"+port)
}
