//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// request is the capture as it goes over the wire.
func (c capture) request() []byte {
	var wire bytes.Buffer
	fmt.Fprintf(&wire, "POST /webhook HTTP/1.1\r\nHost: kitops\r\nContent-Length: %d\r\n", len(c.body))
	for _, name := range []string{"X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256", "Content-Type", "Expect"} {
		if value := c.header.Get(name); value != "" {
			fmt.Fprintf(&wire, "%s: %s\r\n", name, value)
		}
	}
	wire.WriteString("\r\n")
	wire.Write(c.body)
	return wire.Bytes()
}

func (s *hookScene) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.gate.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// statusOf reads an answer; 0 means that the connection was closed without one.
func statusOf(t *testing.T, conn net.Conn) int {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("neither an answer nor the end")
	}
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// served is the serial number of the certificate that kitops shows.
func (s *hookScene) served() int64 {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.gate.address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // which one it is, is the question
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestCertificateIsReloaded(t *testing.T) {
	s := newHookScene(t)
	renew := func(serial int64) { // findSecrets leaves keys in granted files alone
		cert, key := selfSigned(t, serial)
		s.rewrite("granted.crt", cert)
		s.rewrite("granted.key", key)
	}
	renew(1)
	s.serveShop(append(s.listening(), "--tls-cert-file", s.path("granted.crt"), "--tls-key-file", s.path("granted.key"))...)
	if got := s.served(); got != 1 {
		t.Errorf("certificate %d", got)
	}
	renew(2)
	if got := s.served(); got != 2 {
		t.Errorf("certificate %d after it was renewed", got)
	}
	s.rewrite("granted.crt", "half of it")
	if got := s.served(); got != 2 {
		t.Errorf("certificate %d after it was damaged", got)
	}
	s.gate.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // as above
	_, _ = s.push()                                                                                   // by plain http: captured only
	second := s.shop.Head("main")
	status, _, err := s.gate.captured().send(s.gate.client, http.MethodPost, "https://"+s.gate.address+"/webhook")
	if err != nil || status != http.StatusAccepted {
		t.Errorf("answered %d, %v", status, err)
	}
	s.awaitStatus(second, "success")
	s.agent.stop()
}
