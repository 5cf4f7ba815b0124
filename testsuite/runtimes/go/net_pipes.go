// Streams and datagrams of package net: TCP, unix sockets with paths and with abstract names, UDP, os.Pipe and
// net.Pipe; small buffers that fill both ways, half closes, io.Copy by splice(2), sendfile(2) and
// copy_file_range(2), writev(2), passed descriptors (src/net, src/os/file.go, src/internal/poll: fd_unix.go,
// splice_linux.go, sendfile_linux.go, copy_file_range_linux.go).
//
// Hard on an epoll emulation, because Go registers each descriptor once, edge-triggered, for both directions,
// and then reads and writes until EAGAIN: an edge that is not told again after a partial write, or at a half
// close, hangs a goroutine for good. io.Copy moves bytes through pipes that it keeps, and what is left in one
// must not get into the next connection.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// What TCP and unix connections have in common.
type stream interface {
	net.Conn
	CloseWrite() error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

// Not too small: with less than a segment of the loopback device, Linux's TCP waits for its timers.
func makeSmall(conn stream) stream {
	fine(conn.SetReadBuffer(32768), "SetReadBuffer")
	fine(conn.SetWriteBuffer(4096), "SetWriteBuffer")
	return conn
}

// serve accepts until the listener is closed, and gives each connection to a goroutine of its own.
func serve(listener net.Listener, handle func(stream)) (ended chan bool) {
	ended = make(chan bool)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				must(errors.Is(err, net.ErrClosed), "accept: %v", err)
				close(ended)
				return
			}
			go handle(makeSmall(conn.(stream)))
		}
	}()
	return ended
}

func dial(listener net.Listener) stream {
	conn, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
	fine(err, "dial")
	return makeSmall(conn.(stream))
}

// Clients send and receive at the same time; the server copies each connection to itself, for TCP by splice(2).
func echo(name, network, address string) {
	const clients, size = 8, 200_000
	listener, err := net.Listen(network, address)
	fine(err, "listen")
	ended := serve(listener, func(conn stream) {
		count, err := io.Copy(conn, conn)
		must(err == nil && count == size, "copy: %d, %v", count, err)
		fine(conn.CloseWrite(), "server's CloseWrite")
		fine(conn.Close(), "server's close")
	})
	inParallel(clients, func(i int) {
		conn := dial(listener)
		sent := pattern(i, size)
		go func() {
			// Some by one write(2), some piece by piece by writev(2).
			if i%2 == 0 {
				_, err := conn.Write(sent)
				fine(err, "write")
			} else {
				var pieces net.Buffers
				for rest := sent; len(rest) > 0; rest = rest[1000:] {
					pieces = append(pieces, rest[:1000])
				}
				count, err := pieces.WriteTo(conn)
				must(err == nil && count == size, "writev: %d, %v", count, err)
			}
			fine(conn.CloseWrite(), "CloseWrite")
		}()
		got, err := io.ReadAll(conn)
		must(err == nil && bytes.Equal(got, sent), "echo of %s: %d bytes, %v", name, len(got), err)
		conn.Close()
	})
	listener.Close()
	<-ended
	_, err = net.Dial(network, listener.Addr().String())
	fmt.Println("echo:", name, clients, "times", size, "bytes; then refused:",
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT))
}

// A file goes out by sendfile(2), all of it and a part, comes in from a unix socket, and is copied by
// copy_file_range(2).
func files(directory string) {
	const size = 200_000
	sent := pattern(1, size)
	path := filepath.Join(directory, "file")
	fine(os.WriteFile(path, sent, 0o600), "WriteFile")
	for _, network := range []string{"tcp", "unix"} {
		address := map[string]string{"tcp": "127.0.0.1:0", "unix": ""}[network]
		listener, err := net.Listen(network, address)
		fine(err, "listen")
		serve(listener, func(conn stream) {
			file, err := os.Open(path)
			fine(err, "open")
			count, err := io.CopyN(conn, file, size/3)
			must(err == nil && count == size/3, "CopyN: %d, %v", count, err)
			count, err = io.Copy(conn, file)
			must(err == nil && count == size-size/3, "Copy of the rest: %d, %v", count, err)
			file.Close()
			conn.Close()
		})
		received, err := os.Create(filepath.Join(directory, network))
		fine(err, "create")
		conn := dial(listener)
		_, err = io.Copy(received, conn)
		fine(err, "copy into a file")
		conn.Close()
		listener.Close()
		_, err = received.Seek(0, io.SeekStart)
		fine(err, "seek")
		twin, err := os.Create(filepath.Join(directory, "twin"))
		fine(err, "create")
		count, err := io.Copy(twin, received)
		must(err == nil && count == size, "file to file: %d, %v", count, err)
		twin.Close()
		received.Close()
		got, err := os.ReadFile(twin.Name())
		fmt.Println("file over", network, "is the same:", err == nil && bytes.Equal(got, sent))
	}
}

// os.Pipe is watched by epoll, net.Pipe is made of channels.
func pipes() {
	const size = 200_000
	sent := pattern(2, size)
	reader, writer, err := os.Pipe()
	fine(err, "pipe")
	one, other := net.Pipe()
	for _, pipe := range []struct {
		from io.Reader
		to   io.WriteCloser
	}{{reader, writer}, {one, other}} {
		go func(to io.WriteCloser) {
			_, err := to.Write(sent)
			fine(err, "write")
			fine(to.Close(), "close")
		}(pipe.to)
		got, err := io.ReadAll(pipe.from)
		fmt.Printf("%T: the same: %v\n", pipe.to, err == nil && bytes.Equal(got, sent))
	}
	reader, writer, err = os.Pipe()
	fine(err, "pipe")
	broken := make(chan error)
	go func() {
		_, err := writer.Write(sent)
		broken <- err
	}()
	_, err = io.ReadFull(reader, make([]byte, 10))
	fine(err, "read")
	reader.Close()
	fmt.Println("nobody reads any more:", errors.Is(<-broken, syscall.EPIPE))
}

// Datagrams: each is answered before the next is sent, so that none is dropped.
func datagrams(network, address string, client func(i int) net.Addr) {
	const clients, rounds = 10, 15
	server, err := net.ListenPacket(network, address)
	fine(err, "listen")
	go func() {
		bytes := make([]byte, 100)
		for {
			count, from, err := server.ReadFrom(bytes)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			fine(err, "ReadFrom")
			_, err = server.WriteTo(bytes[:count], from)
			fine(err, "WriteTo")
		}
	}()
	inParallel(clients, func(i int) {
		conn, err := (&net.Dialer{LocalAddr: client(i)}).Dial(network, server.LocalAddr().String())
		fine(err, "dial")
		answer := make([]byte, 100)
		for k := 0; k < rounds; k++ {
			sent := pattern(i+k, k)
			_, err := conn.Write(sent)
			fine(err, "send")
			count, err := conn.Read(answer)
			must(err == nil && bytes.Equal(answer[:count], sent), "datagram %d: %v", k, err)
		}
		conn.Close()
	})
	conn, err := net.Dial(network, server.LocalAddr().String())
	fine(err, "dial")
	server.Close()
	if _, err = conn.Write([]byte("x")); err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	fmt.Println(network, clients, "times", rounds, "then refused:", errors.Is(err, syscall.ECONNREFUSED))
}

// A pipe's end travels through a unix socket while somebody waits for what will be written to it.
func passedDescriptors() {
	numbers, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	fine(err, "socketpair")
	var ends [2]*net.UnixConn
	for i, number := range numbers {
		file := os.NewFile(uintptr(number), "pair")
		conn, err := net.FileConn(file)
		fine(err, "FileConn")
		file.Close()
		ends[i] = conn.(*net.UnixConn)
	}
	reader, writer, err := os.Pipe()
	fine(err, "pipe")
	go func() {
		_, _, err := ends[0].WriteMsgUnix([]byte("x"), syscall.UnixRights(int(writer.Fd())), nil)
		fine(err, "WriteMsgUnix")
		writer.Close()
	}()
	go func() {
		control := make([]byte, 100)
		_, count, _, _, err := ends[1].ReadMsgUnix(make([]byte, 1), control)
		fine(err, "ReadMsgUnix")
		messages, err := syscall.ParseSocketControlMessage(control[:count])
		fine(err, "control message")
		rights, err := syscall.ParseUnixRights(&messages[0])
		fine(err, "rights")
		passed := os.NewFile(uintptr(rights[0]), "passed")
		fmt.Fprint(passed, "by the passed end")
		passed.Close()
	}()
	got, err := io.ReadAll(reader)
	fmt.Println("passed descriptor:", string(got), err)
}

// What netlink says of the loopback interface; Go trusts the lengths in it.
func addresses() {
	loopback, err := net.InterfaceByName("lo")
	fine(err, "InterfaceByName")
	all, err := loopback.Addrs()
	fmt.Println("loopback:", all, err)
}

func main() {
	directory, err := os.MkdirTemp("", "net_pipes")
	fine(err, "MkdirTemp")
	echo("tcp", "tcp", "127.0.0.1:0")
	echo("tcp6", "tcp6", "[::1]:0")
	echo("unix path", "unix", filepath.Join(directory, "socket"))
	echo("unix abstract", "unix", "")
	files(directory)
	pipes()
	datagrams("udp", "127.0.0.1:0", func(int) net.Addr { return nil })
	datagrams("unixgram", "", func(i int) net.Addr {
		return &net.UnixAddr{Net: "unixgram", Name: filepath.Join(directory, fmt.Sprint("client", i))}
	})
	passedDescriptors()
	addresses()
	fine(os.RemoveAll(directory), "RemoveAll")
}
