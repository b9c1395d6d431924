package remote

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzTags(f *testing.F) {
	id := strings.Repeat("12", 20)
	f.Add(pkt(id+" refs/tags/v1 peeled:"+id, id+" refs/tags/v2", flush))
	f.Add(pkt(id+" refs/tags/v1 peeled:x", flush))
	f.Fuzz(func(t *testing.T, answer []byte) {
		tags, count, err := readTags(newPktReader(bytes.NewReader(answer)))
		if err == nil && count < len(tags) {
			t.Error("more tags than there are")
		}
	})
}

// TestReadTags takes names as they come: what is sound is decided later.
func TestReadTags(t *testing.T) {
	id := strings.Repeat("12", 20)
	names := []string{"refs/tags/a", "refs/tags/a", "refs/heads/planted", "refs/tags/b\n" + id, "refs/tags/own/below"}
	var lines []string
	for _, name := range names {
		lines = append(lines, id+" "+name)
	}
	tags, count, err := readTags(newPktReader(bytes.NewReader(pkt(append(lines, flush)...))))
	if err != nil || count != len(names) || len(tags) != len(names) {
		t.Fatal(count, err)
	}
	for i, tag := range tags {
		if tag.Ref != names[i] {
			t.Errorf("%q, want %q", tag.Ref, names[i])
		}
	}
}

func FuzzShallow(f *testing.F) {
	id := strings.Repeat("12", 20)
	f.Add(append(pkt("shallow-info", "shallow "+id, "unshallow "+id, delim, "packfile"), "0009\x01PACK0000"...))
	f.Add(pkt("shallow-info", "shallow x", delim, "packfile"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		cut, err := readToPack(newPktReader(bytes.NewReader(answer)))
		if err != nil && cut != nil || 40*len(cut) > len(answer) {
			t.Errorf("%d, %v", len(cut), err)
		}
	})
}
