// Command pod is what the cluster's tests run in pods: it says what it sees from there.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"
)

func dial(w http.ResponseWriter, r *http.Request) {
	conn, err := net.DialTimeout("tcp", r.FormValue("to"), 1500*time.Millisecond)
	if err != nil {
		fmt.Fprint(w, "refused")
		return
	}
	defer conn.Close()
	fmt.Fprint(w, "reached")
}

func resolve(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupIP(ctx, "ip4", r.FormValue("name"))
	if err != nil {
		fmt.Fprint(w, "none")
		return
	}
	words := make([]string, 0, len(found))
	for _, address := range found {
		words = append(words, address.String())
	}
	sort.Strings(words)
	fmt.Fprint(w, strings.Join(words, " "))
}

func fetch(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 3 * time.Second}
	answer, err := client.Get(r.FormValue("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	io.Copy(w, answer.Body)
}

func file(w http.ResponseWriter, r *http.Request) {
	data, err := os.ReadFile(r.FormValue("path"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Write(data)
}

func ill(args []string) {
	switch args[0] {
	case "listen":
		fmt.Println("listening on", args[1])
		http.ListenAndServe(args[1], nil)
	case "sleep":
		wait, _ := time.ParseDuration(args[1])
		time.Sleep(wait)
		http.ListenAndServe(":8080", nil)
	case "eat":
		for kept := [][]byte{}; ; {
			kept = append(kept, bytes.Repeat([]byte{1}, 8<<20))
		}
	case "write":
		if err := os.WriteFile(args[1], bytes.Repeat([]byte{1}, 16<<20), 0o600); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		time.Sleep(time.Hour)
	}
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "ill" {
		ill(os.Args[2:])
		return
	}
	if len(os.Args) > 1 {
		fmt.Println(strings.Join(os.Args[1:], " "))
		return
	}
	name, _ := os.Hostname()
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })
	http.HandleFunc("/dial", dial)
	http.HandleFunc("/resolve", resolve)
	http.HandleFunc("/fetch", fetch)
	http.HandleFunc("/file", file)
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	server := http.Server{Addr: ":8080", ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-stop.Done()
		server.Close()
	}()
	fmt.Println("serving as", name)
	server.ListenAndServe()
}
