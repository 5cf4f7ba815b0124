// net/http's server and client in one process: connections that are kept, many requests at once, bodies in
// chunks, requests that are cancelled, a big download, Shutdown (src/net/http/server.go, transport.go).
//
// Hard on an epoll emulation, because here everything of the runtime meets on one descriptor: each connection
// of the client has a goroutine that reads and one that writes; while a handler runs, the server reads on in
// the background to learn of the client's end (connReader.backgroundRead), and gets out of that read by a
// deadline in the past, for every request. A cancelled request is a Close against them all, which the handler's
// context has to hear of. The download goes out by sendfile(2), in parts, as the client's window opens.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const downloadSize = 400_000

var (
	base, file         string
	connections        atomic.Int64
	waiting, cancelled = make(chan bool), make(chan error)
	finish             = make(chan bool)
)

func handlers() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fine(err, "the request's body")
		// Without a length, so in chunks, each of which is sent at once.
		for len(body) > 0 {
			count, err := w.Write(body[:(len(body)+3)/4])
			fine(err, "the answer's body")
			w.(http.Flusher).Flush()
			body = body[count:]
		}
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		waiting <- true
		<-r.Context().Done()
		cancelled <- r.Context().Err()
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/finish", func(w http.ResponseWriter, r *http.Request) {
		waiting <- true
		<-finish
		io.WriteString(w, "finished")
	})
	return mux
}

func ask(ctx context.Context, client *http.Client, method, path string, body io.Reader) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, base+path, body)
	fine(err, "NewRequest")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(response.StatusCode == http.StatusOK, "status %s", response.Status)
	return string(text), err
}

// One client asks again and again over the connection that it keeps; then many at once, over at most four.
func requests() {
	const rounds, clients, each = 15, 12, 3
	client := &http.Client{Transport: &http.Transport{}}
	for i := 0; i < rounds; i++ {
		sent := strings.Repeat("x", i*50)
		got, err := ask(context.Background(), client, "POST", "/echo", strings.NewReader(sent))
		must(err == nil && got == sent, "request %d: %q, %v", i, got, err)
	}
	// It waits 50 ms for its own writing goroutine, so a slow machine may need another one.
	fmt.Println("kept: requests:", rounds, "fewer connections:", connections.Load() < rounds)
	client.CloseIdleConnections()

	client = &http.Client{Transport: &http.Transport{MaxConnsPerHost: 4}}
	var right atomic.Int64
	inParallel(clients, func(i int) {
		for k := 0; k < each; k++ {
			sent := string(pattern(i, k*1500+i))
			// A body whose length nobody knows goes out in chunks.
			body, in := io.Pipe()
			go func() {
				io.WriteString(in, sent)
				in.Close()
			}()
			got, err := ask(context.Background(), client, "PUT", "/echo", body)
			must(err == nil && got == sent, "concurrent request: %d bytes of %d, %v", len(got), len(sent), err)
			right.Add(1)
		}
	})
	client.CloseIdleConnections()
	fmt.Println("at once:", right.Load())
}

// The whole file, parts of it, and one download that is given up in its middle.
func downloads(content []byte) {
	// With small buffers at both ends, so that the server has to wait for room.
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			fine(conn.(*net.TCPConn).SetReadBuffer(32768), "SetReadBuffer")
		}
		return conn, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	got, err := ask(context.Background(), client, "GET", "/download", nil)
	fmt.Println("download: the same:", err == nil && got == string(content))
	inParallel(5, func(i int) {
		request, err := http.NewRequest("GET", base+"/download", nil)
		fine(err, "NewRequest")
		first, last := i*1000, i*1000+30_000
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, last))
		response, err := client.Do(request)
		fine(err, "range")
		part, err := io.ReadAll(response.Body)
		must(err == nil && bytes.Equal(part, content[first:last+1]), "a part of %d bytes, %v", len(part), err)
		response.Body.Close()
	})
	response, err := client.Get(base + "/download")
	fine(err, "download")
	_, err = io.ReadFull(response.Body, make([]byte, 10))
	fine(err, "the beginning of a download")
	fine(response.Body.Close(), "close of a download")
	client.CloseIdleConnections()
}

// A handler hears of it when its client gives up, by cancelling or by its time being over.
func cancellations() {
	client := &http.Client{Transport: &http.Transport{}}
	for i := 0; i < 6; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-waiting
			cancel()
		}()
		_, err := ask(ctx, client, "GET", "/wait", nil)
		must(errors.Is(err, context.Canceled), "a cancelled request: %v", err)
		must(<-cancelled == context.Canceled, "what the handler hears")
	}
	client.Timeout = 20 * time.Millisecond
	_, err := ask(context.Background(), client, "GET", "/hang", nil)
	timeout, ok := err.(net.Error)
	fmt.Println("cancelled; timeout:", ok && timeout.Timeout())
}

func main() {
	directory, err := os.MkdirTemp("", "http")
	fine(err, "MkdirTemp")
	file = filepath.Join(directory, "download")
	content := pattern(5, downloadSize)
	fine(os.WriteFile(file, content, 0o600), "WriteFile")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fine(err, "listen")
	base = "http://" + listener.Addr().String()
	server := &http.Server{Handler: handlers(), ConnState: func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
			fine(conn.(*net.TCPConn).SetWriteBuffer(32768), "SetWriteBuffer")
		}
	}}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()

	requests()
	downloads(content)
	cancellations()

	// Shutdown ends the listener at once, but waits for the request that is under way.
	answer := make(chan string)
	go func() {
		got, err := ask(context.Background(), http.DefaultClient, "GET", "/finish", nil)
		fine(err, "the last request")
		answer <- got
	}()
	<-waiting
	down := make(chan error)
	go func() { down <- server.Shutdown(context.Background()) }()
	fmt.Println("serve:", <-served)
	_, err = net.Dial("tcp", listener.Addr().String())
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
	close(finish)
	fmt.Println("answer:", <-answer, "shutdown:", <-down)
	fine(os.RemoveAll(directory), "RemoveAll")
}
