package remote

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/object"
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

// TestFormats refuses names of another format than the server's own.
func TestFormats(t *testing.T) {
	sha1, sha256 := strings.Repeat("12", 20), strings.Repeat("12", 32)
	reader := func(f object.Format, lines ...string) *pktReader {
		p := newPktReader(bytes.NewReader(pkt(lines...)))
		p.format = f
		return p
	}
	for _, c := range []struct {
		format object.Format
		id     string
		good   bool
	}{
		{object.SHA1, sha1, true},
		{object.SHA256, sha256, true},
		{object.SHA1, sha256, false},
		{object.SHA256, sha1, false},
		{object.SHA1, sha1[:39], false},
		{object.SHA256, sha256 + "12", false},
	} {
		found := map[string]error{}
		_, found["list"] = readList(reader(c.format, c.id+" refs/heads/main", flush))
		_, _, found["tags"] = readTags(reader(c.format, c.id+" refs/tags/v1", flush))
		_, found["shallow"] = readToPack(reader(c.format, "shallow-info", "shallow "+c.id, delim, "packfile"))
		_, found["advertisement"] = readAdvertisement(reader(0, c.id+" refs/heads/main\x00object-format="+c.format.String(), flush))
		for name, err := range found {
			if (err == nil) != c.good {
				t.Errorf("%s of %s: %s gave %v", name, c.format, c.id, err)
			}
		}
	}
	if _, err := readAdvertisement(reader(0, sha1+" refs/heads/main\x00object-format=blake3", flush)); err == nil || !strings.Contains(err.Error(), "blake3") {
		t.Error(err)
	}
	if f, _, err := readCapabilities(reader(0, "version 2", "object-format=sha256", flush)); err != nil || f != object.SHA256 {
		t.Error(f, err)
	}
}
