package ancestry

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/object"
)

// TestMembers searches histories that grow, and counts what is read of them.
func TestMembers(t *testing.T) {
	history := map[string]string{"a": "", "b": "a", "c": "b", "d": "c", "m": "d s", "s": "b", "over": "b", "lost": "gone"}
	id := func(name string) object.ID {
		id, _ := object.ParseID(strings.Repeat("0", 38) + map[string]string{
			"a": "01", "b": "02", "c": "03", "d": "04", "m": "05", "s": "06", "over": "07", "lost": "08", "gone": "09",
		}[name])
		return id
	}
	names := map[object.ID]string{}
	for name := range history {
		names[id(name)] = name
	}
	var read []string
	reader := func(at object.ID) (object.Object, error) {
		read = append(read, names[at])
		text := "tree " + strings.Repeat("1", 40) + "\n"
		for parent := range strings.FieldsSeq(history[names[at]]) {
			text += "parent " + id(parent).String() + "\n"
		}
		return object.Object{Kind: object.KindCommit, Data: []byte(text + "\n")}, nil
	}
	has := func(id object.ID) bool { return names[id] != "" }
	var m Members
	for _, step := range []struct{ of, wanted, found, read string }{
		{"c", "a over", "a", "c b a"},
		{"c", "a over", "a", "c b a"},                // what is not found is searched for again
		{"d", "a", "a", "d"},                         // known of c
		{"m", "a s", "a s", "m d"},                   // known of d
		{"over", "a c d over", "a over", "over b a"}, // pushed over
		{"lost", "lost gone a", "lost", "lost"},      // its parent is not here
		{"a", "", "", ""},
	} {
		var wanted []object.ID
		for name := range strings.FieldsSeq(step.wanted) {
			wanted = append(wanted, id(name))
		}
		read = nil
		var err error
		if m, err = m.Search(t.Context(), id(step.of), wanted, has, reader); err != nil {
			t.Fatal(err)
		}
		var found []string
		for id := range maps.Keys(m.Has) {
			found = append(found, names[id])
		}
		slices.Sort(found)
		if strings.Join(found, " ") != step.found || strings.Join(read, " ") != step.read {
			t.Errorf("%+v: found %v, read %v", step, found, read)
		}
	}
}
