package inflate

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// samples are contents of every kind: random, repetitive, text, empty.
func contents() [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	all := [][]byte{nil, {0}, []byte("a"), bytes.Repeat([]byte{7}, 100_000), []byte(strings.Repeat("hello, hello world. ", 5000))}
	for range 12 {
		b := make([]byte, random.IntN(80_000))
		alphabet := 1 + random.IntN(256)
		for i := range b {
			if i > 300 && random.IntN(20) == 0 {
				b[i] = b[i-1-random.IntN(300)]
				continue
			}
			b[i] = byte(random.IntN(alphabet) * random.IntN(alphabet) / alphabet)
		}
		all = append(all, b)
	}
	return all
}

func TestInflate(t *testing.T) {
	var f Inflater
	for _, content := range contents() {
		for _, level := range []int{flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression, flate.HuffmanOnly} {
			packed := gittest.Deflated(t, content, level)
			out := make([]byte, len(content))
			n, err := f.Inflate(out, append(packed[:len(packed):len(packed)], "more"...))
			if err != nil || n != len(packed) || !bytes.Equal(out, content) {
				t.Fatalf("%d bytes at level %d: used %d of %d, %v", len(content), level, n, len(packed), err)
			}
			if _, err := f.Inflate(out, packed); err != nil {
				t.Fatalf("%d bytes at level %d without anything behind: %v", len(content), level, err)
			}
			for cut := 0; cut < len(packed); cut += 1 + len(packed)/50 {
				if _, err := f.Inflate(out, packed[:cut]); !errors.Is(err, ErrShort) {
					t.Fatalf("cut to %d of %d: %v", cut, len(packed), err)
				}
			}
			if _, err := f.Inflate(make([]byte, len(content)+1), packed); !errors.Is(err, ErrDamaged) {
				t.Fatalf("too little: %v", err)
			}
			if len(content) > 0 {
				if _, err := f.Inflate(out[1:], packed); !errors.Is(err, ErrDamaged) {
					t.Fatalf("too much: %v", err)
				}
			}
		}
	}
}

func FuzzInflate(f *testing.F) {
	for _, content := range contents()[:8] {
		f.Add(gittest.Deflated(f, content[:min(len(content), 2000)], flate.BestCompression), len(content))
	}
	f.Fuzz(func(t *testing.T, packed []byte, size int) {
		var own Inflater
		out := make([]byte, min(max(size, 0), 1<<20))
		used, err := own.Inflate(out, packed)
		r, zlibErr := zlib.NewReader(bytes.NewReader(packed))
		if zlibErr != nil {
			return
		}
		want, zlibErr := io.ReadAll(io.LimitReader(r, int64(len(out))+1))
		switch {
		case zlibErr != nil || len(want) != len(out):
		case err != nil:
			t.Errorf("compress/zlib reads what fails here with %v", err)
		case !bytes.Equal(out, want) || used > len(packed):
			t.Error("compress/zlib reads something else")
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	content := []byte(strings.Repeat("func (f *inflater) inflate(out, in []byte) (int, error) {\n\tif len(in) < 2 {\n", 50))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		if random.IntN(6) == 0 {
			content[i] = byte('a' + random.IntN(26))
		}
	}
	packed := gittest.Deflated(b, content, flate.DefaultCompression)
	var f Inflater
	out := make([]byte, len(content))
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		if _, err := f.Inflate(out, packed); err != nil {
			b.Fatal(err)
		}
	}
}
