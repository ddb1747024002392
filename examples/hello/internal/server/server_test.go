package server

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func ask(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func TestRoutes(t *testing.T) {
	s := New(quiet(), "", 0)
	for path, want := range map[string]string{
		"/healthz":   "ok",
		"/":          "Hello, world!",
		"/?name=Ada": "Hello, Ada!",
		"/version":   `"commit":""`,
	} {
		if code, body := ask(t, s, path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}

func TestGreetingIsConfigurable(t *testing.T) {
	if _, body := ask(t, New(quiet(), "Ahoy", 0), "/"); body != "Ahoy, world!\n" {
		t.Fatal(body)
	}
}

func TestReadinessFollowsServing(t *testing.T) {
	s := New(quiet(), "", 0)
	if code, _ := ask(t, s, "/readyz"); code != http.StatusServiceUnavailable {
		t.Fatal("ready before it serves")
	}
	s.ready.Store(true)
	if code, _ := ask(t, s, "/readyz"); code != http.StatusOK {
		t.Fatal("not ready while it serves")
	}
}

func TestServeDrainsAndEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- New(quiet(), "", 20*time.Millisecond).Serve(ctx, "127.0.0.1:0") }()
	time.Sleep(50 * time.Millisecond)
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it did not end")
	}
}

func TestServeSaysThatAPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := New(quiet(), "", 0).Serve(context.Background(), taken.Addr().String()); err == nil {
		t.Fatal("no error")
	}
}
