package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// counts is what the server has seen since it was last asked.
type counts struct{ Connections, Requests int64 }

// serve serves the simulated provider until in ends. It prints its base URL,
// and its counts whenever a line comes in.
func serve(in io.Reader, out io.Writer) error {
	p, err := providers.Parse("bench.yaml", []byte(provider))
	if err != nil {
		return err
	}
	simulated, err := simulator.New(p, fixtures())
	if err != nil {
		return err
	}
	simulated = simulated.Fresh(providers.Credentials{"client_id": clientID, "client_secret": clientSecret})
	var connections, requests atomic.Int64
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			simulated.ServeHTTP(w, r)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = server.Serve(listener) }() // it ends with the process
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := json.NewEncoder(out).Encode(counts{connections.Swap(0), requests.Swap(0)}); err != nil {
			return err
		}
	}
	return nil
}
