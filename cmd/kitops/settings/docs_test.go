package settings

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// wantTables holds the tables of a page to what the program says of itself.
// Each stands between a mark of its name and an end mark.
func wantTables(t *testing.T, path string, tables []Table) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, table := range tables {
		mark := regexp.MustCompile(`(?s)(<!-- ` + regexp.QuoteMeta(table.Name) + `, written by [^>]*-->\n).*?(\n<!-- end -->\n)`)
		places := mark.FindAllStringSubmatchIndex(page, -1)
		if len(places) != 1 {
			t.Errorf("%s has %d places for the table %q, write one:\n\n<!-- %s, written by go test ./cmd/kitops/settings -run Docs -update -->\n\n<!-- end -->\n", path, len(places), table.Name, table.Name)
			continue
		}
		page = page[:places[0][3]] + "\n" + table.Text + page[places[0][4]:]
	}
	if marks := strings.Count(page, ", written by "); marks != len(tables) {
		t.Errorf("%s has %d marks for %d tables", path, marks, len(tables))
	}
	wantDocument(t, path, []byte(page))
}

func TestTaskDocs(t *testing.T) { wantTables(t, "../../../docs/tasks.md", KeyTables()) }

func TestFlagDocs(t *testing.T) {
	tables := NewOptions().FlagTables()
	wantTables(t, "../../../docs/configuration.md", tables)
	page, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range NewOptions() { // also those that no flag sets
		if !bytes.Contains(page, []byte(o.Variable())) {
			t.Errorf("configuration.md does not name %s", o.Variable())
		}
	}
}
