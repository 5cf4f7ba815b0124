// Connections that are lost at any moment: an echo server of package net and one of net/http outlive them, and
// their clients try again on a new connection until all is answered.
//
// Without resets each request is answered at once, so that nothing has to be tried again; under pollux'
// `--faults=tcp_reset` a RST may come between any two system calls: while a connection waits to be accepted (so
// that setting its options fails), between a request's head and its body, in the midst of an answer, in an idle
// connection of the client's pool. What is printed is the same.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Who has tried in vain so often does not meet resets, but something that does not end.
const mostTries = 200

// again calls try until it has succeeded.
func again(what string, try func() error) {
	for i := 0; i < mostTries; i++ {
		err := try()
		if err == nil {
			return
		}
		// A connection was lost; nobody was too slow.
		var timeout net.Error
		must(!errors.As(err, &timeout) || !timeout.Timeout(), "%s: %v", what, err)
	}
	must(false, "%s: was lost %d times", what, mostTries)
}

// ---- Lines, over connections that are kept as long as they live.

func serveLines(listener net.Listener, alive *atomic.Int64) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // That one only.
		}
		alive.Add(1)
		go func() {
			defer alive.Add(-1)
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}

func askLines(address string, client int) int {
	const lines = 5
	var conn net.Conn
	var reader *bufio.Reader
	answered := 0
	for i := 0; i < lines; i++ {
		line := fmt.Sprintf("client %d, line %d, %s\n", client, i, strings.Repeat("x", i*i*40))
		again("a line", func() (err error) {
			if conn == nil {
				if conn, err = net.Dial("tcp", address); err != nil {
					conn = nil
					return err
				}
				reader = bufio.NewReader(conn)
			}
			var got string
			if _, err = io.WriteString(conn, line); err == nil {
				got, err = reader.ReadString('\n')
			}
			if err != nil {
				conn.Close()
				conn = nil
				return err
			}
			must(got == line, "%q came back as %q", line, got)
			return nil
		})
		answered++
	}
	if conn != nil {
		conn.Close()
	}
	return answered
}

func echo() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fine(err, "listen")
	var alive atomic.Int64
	down := make(chan bool)
	go func() {
		serveLines(listener, &alive)
		close(down)
	}()
	var answered atomic.Int64
	inParallel(3, func(i int) { answered.Add(int64(askLines(listener.Addr().String(), i))) })
	fine(listener.Close(), "close")
	<-down
	// Each of the server's ends hears of it.
	for alive.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("lines answered:", answered.Load())
}

// ---- Requests, by a client that keeps a pool of connections.

func request(client *http.Client, method, url, body string) error {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	fine(err, "NewRequest")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusBadRequest {
		return errors.New(response.Status) // The server has seen the half of it.
	}
	must(response.StatusCode == http.StatusOK && string(got) == body, "%s: %d bytes came back as %d", response.Status,
		len(body), len(got))
	return nil
}

func web() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fine(err, "listen")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		for half := len(body) / 2; len(body) > 0; body = body[half:] {
			if half == 0 || half > len(body) {
				half = len(body)
			}
			if _, err := w.Write(body[:half]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}}
	var answered atomic.Int64
	inParallel(3, func(i int) {
		for k := 0; k < 3; k++ {
			again("a request", func() error {
				return request(client, "PUT", "http://"+listener.Addr().String()+"/", string(pattern(i, k*3000+i)))
			})
			answered.Add(1)
		}
	})
	client.CloseIdleConnections()
	fine(server.Close(), "close")
	fmt.Println("requests answered:", answered.Load(), "served until:", <-served)
}

func main() {
	echo()
	web()
}
