package gittest

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// RawPack makes a pack of entries as they are.
func RawPack(count uint32, entries ...[]byte) []byte {
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), count)
	for _, entry := range entries {
		pack = append(pack, entry...)
	}
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

// RawEntry is an entry of a pack: its head, what stands before the content, and
// the content.
func RawEntry[K ~uint8 | ~int](tb testing.TB, kind K, size int64, head, content []byte) []byte {
	tb.Helper()
	first, rest := byte(kind)<<4|byte(size&15), uint64(size)>>4
	var entry []byte
	for ; rest > 0; rest >>= 7 {
		entry = append(entry, first|0x80)
		first = byte(rest & 0x7f)
	}
	entry = append(append(entry, first), head...)
	return append(entry, Deflated(tb, content, flate.DefaultCompression)...)
}

// Deflated is content as a zlib stream.
func Deflated(tb testing.TB, content []byte, level int) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// RawTree makes a tree object of whatever entries, as no git would.
func RawTree(t *testing.T, r *Repo, entries ...string) string {
	t.Helper()
	var raw []byte
	for i := 0; i < len(entries); i += 3 {
		sha, err := hex.DecodeString(entries[i+2])
		if err != nil {
			t.Fatal(err)
		}
		raw = append(append(append(raw, entries[i]+" "+entries[i+1]...), 0), sha...)
	}
	return GitInput(t, r.Dir, string(raw), "hash-object", "-t", "tree", "--literally", "-w", "--stdin")
}

// CommitTree makes a commit of a tree on main and returns its SHA.
func CommitTree(t *testing.T, r *Repo, tree string) string {
	t.Helper()
	sha := r.Bare("commit-tree", "-m", "hostile", tree)
	r.Bare("update-ref", "refs/heads/main", sha)
	return sha
}
