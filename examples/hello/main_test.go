package main

import (
	"context"
	"os"
	"testing"
	"time"
)

func settings(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := run(ctx, settings(map[string]string{"PORT": "0", "DRAIN": "1ms"}), os.Stdout); err != nil {
		t.Fatal(err)
	}
}

func TestRunSaysWhyItCannotListen(t *testing.T) {
	if err := run(context.Background(), settings(map[string]string{"PORT": "none"}), os.Stdout); err == nil {
		t.Fatal("no error for a port that is no number")
	}
}

func TestThePortIsEightyEightyByDefault(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, settings(map[string]string{"DRAIN": "1ms"}), os.Stdout); err != nil {
		t.Skip("port 8080 is taken on this machine: ", err)
	}
}
