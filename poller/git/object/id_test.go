package object

import (
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	for f, hex := range map[Format]string{SHA1: strings.Repeat("1f", 20), SHA256: strings.Repeat("1f", 32)} {
		id, ok := ParseID(hex + "\n")
		if !ok || id.Format() != f || id.String() != hex || id.Size() != f.Size() || id.IsZero() || f.ID(id.Bytes()) != id {
			t.Errorf("%s: %v, %v", f, id, ok)
		}
		for _, bad := range []string{"", hex[1:], hex + "1", "g" + hex[1:], strings.Repeat("1f", 26)} {
			if id, ok := ParseID(bad); ok {
				t.Errorf("%q: taken for %v", bad, id)
			}
		}
	}
	short, long := SHA1.ID(make([]byte, 20)), SHA256.ID(make([]byte, 32))
	if short == long || !short.IsZero() || !long.IsZero() || short != (ID{}) {
		t.Error("the names of nothing")
	}
}

// TestFormatsOfOthers refuses objects that name others in the wrong format.
func TestFormatsOfOthers(t *testing.T) {
	sha1, sha256 := strings.Repeat("12", 20), strings.Repeat("12", 32)
	for self, other := range map[string]string{sha1: sha256, sha256: sha1} {
		id, _ := ParseID(self)
		read := func(data string, k Kind) func(ID) (Object, error) {
			return func(ID) (Object, error) { return Object{k, []byte(data)}, nil }
		}
		for _, data := range []string{"tree " + other + "\n", "tree " + self + "\nparent " + other + "\n"} {
			if _, err := ReadCommit(id, read(data, KindCommit)); err == nil {
				t.Errorf("%s: taken", data)
			}
		}
		if _, _, err := CommitOf(t.Context(), id, read("object "+other+"\n", KindTag)); err == nil {
			t.Error("a tag: taken")
		}
		if _, err := ReadTree(id, read("100644 a\x00"+string(make([]byte, 20)), KindTree)); err == nil && id.Format() == SHA256 {
			t.Error("a tree: taken")
		}
	}
}
