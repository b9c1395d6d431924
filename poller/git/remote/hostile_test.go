package remote

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func FuzzList(f *testing.F) {
	sha := strings.Repeat("12", 20)
	f.Add(pkt(sha+" HEAD symref-target:refs/heads/main", sha+" refs/heads/main", flush))
	f.Add(pkt("ERR not our ref", flush))
	f.Add([]byte("0000"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		ad, err := readList(newPktReader(bytes.NewReader(answer)))
		if (ad == nil) == (err == nil) {
			t.Error("neither an answer nor an error")
		}
		p := newPktReader(bytes.NewReader(answer))
		if _, err := readToPack(p); err == nil {
			_, _ = bytes.NewBuffer(nil).ReadFrom(p)
		}
	})
}

func TestServerErrors(t *testing.T) {
	p := newPktReader(bytes.NewReader(append(pkt("\x02progress"), pkt("\x03out of order")...)))
	var said *serverError
	if _, err := p.Read(make([]byte, 10)); !errors.As(err, &said) || said.text != "out of order" {
		t.Error(err)
	}
}
