// Package server answers requests and stops without dropping any.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"example.com/hello/internal/metadata"
)

const shutdown = 10 * time.Second

// Server is one HTTP service with its readiness.
type Server struct {
	log      *slog.Logger
	greeting string
	drain    time.Duration
	ready    atomic.Bool
}

// New returns a server that greets with greeting and stays reachable for drain after it was asked
// to stop.
func New(log *slog.Logger, greeting string, drain time.Duration) *Server {
	if greeting == "" {
		greeting = "Hello"
	}
	return &Server{log: log, greeting: greeting, drain: drain}
}

// Handler returns all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /version", s.version)
	mux.HandleFunc("GET /", s.greet)
	return mux
}

// Serve listens on addr until ctx ends, then turns readiness off, keeps serving while load
// balancers notice, and ends the requests that are under way.
func (s *Server) Serve(ctx context.Context, addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	s.ready.Store(true)
	s.log.Info("serving", "address", listener.Addr().String(), "version", metadata.Current().Version)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return s.stop(web, failed)
}

func (s *Server) stop(web *http.Server, failed <-chan error) error {
	s.ready.Store(false)
	s.log.Info("draining", "for", s.drain.String())
	time.Sleep(s.drain)
	web.SetKeepAlivesEnabled(false)
	ctx, cancel := context.WithTimeout(context.Background(), shutdown)
	defer cancel()
	err := web.Shutdown(ctx)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return errors.Join(err, served)
	}
	return err
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(metadata.Current()); err != nil {
		s.log.Warn("the version was not sent", "error", err)
	}
}

func (s *Server) greet(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "world"
	}
	fmt.Fprintf(w, "%s, %s!\n", s.greeting, name)
}
