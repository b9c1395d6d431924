package notify

import (
	"bufio"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"
)

// mailServer speaks SMTP (RFC 5321) for as many letters as there are answers to RCPT, and hands out what it was sent.
func mailServer(t *testing.T, rcpt ...string) (address string, letters <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	got := make(chan string, len(rcpt))
	go func() {
		for _, answer := range rcpt {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			got <- receive(conn, answer)
		}
	}()
	return listener.Addr().String(), got
}

func receive(conn net.Conn, rcpt string) (letter string) {
	defer func() { _ = conn.Close() }()
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	in := textproto.NewReader(bufio.NewReader(conn))
	say("220 test")
	for {
		line, err := in.ReadLine()
		if err != nil {
			return letter
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "EHLO":
			say("250-test")
			say("250 AUTH PLAIN")
		case "AUTH":
			letter += line + "\n"
			say("235 ok")
		case "RCPT":
			say(rcpt)
		case "DATA":
			say("354 go on")
			text, err := in.ReadDotBytes()
			if err != nil {
				return letter
			}
			letter += string(text)
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return letter
		default:
			say("250 ok")
		}
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	address, letters := mailServer(t, "250 ok", "451 later", "550 no such user here", "250 ok")
	target := Target{Kind: "mail", SMTP: "me@" + address, From: "kitops@example.com", Recipients: []string{"ops@example.com", "dev@example.com"}}
	if err := target.Check(); err != nil {
		t.Fatal(err)
	}
	n, log := sender(t, target)
	r := failed("shop", hostile+"\r\nBcc: evil@example.com")
	r.To = target.To()
	if err := n.Report(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	letter := <-letters
	for _, want := range []string{"\nTo: <ops@example.com>, <dev@example.com>", "\nSubject: ", "Auto-Submitted: auto-generated\n", "kitops.example.com/runs/run-shop"} {
		if !strings.Contains(letter, want) {
			t.Errorf("no %q in\n%s", want, letter)
		}
	}
	if strings.Contains(letter, "\nBcc:") {
		t.Errorf("a header was slipped in:\n%s", letter)
	}
	again := func(other string) error {
		other2 := failed(other, "x")
		other2.To = target.To()
		n.batches = nil
		return n.Report(t.Context(), other2)
	}
	if err := again("b"); err == nil || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "mail by 127.0.0.1:") {
		t.Error(err)
	}
	if err := again("c"); err != nil || !strings.Contains(log.String(), "the notification was refused") || strings.Contains(log.String(), token) {
		t.Error(err, log)
	}
	// A password is not sent where others could read it.
	target.Password = file(t, token)
	<-letters
	<-letters
	n, _ = sender(t, target)
	if err := again("d"); err == nil || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "authentication mechanism") {
		t.Error(err)
	}
	if letter := <-letters; letter != "" {
		t.Errorf("sent: %q", letter)
	}
}
