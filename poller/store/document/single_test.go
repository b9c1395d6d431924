package document_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store/document"
	"github.com/bittrance/kitops/poller/store/storetest"
)

func TestSingleDocument(t *testing.T) {
	for _, data := range storetest.OddDocuments() {
		text, err := document.Encode([]byte(data), "kitops/v2.0.0-rc.1", "H3KX")
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		got, err := document.Decode("a.yaml", text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := storetest.SameMeaning(got, []byte(data)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if !strings.Contains(string(text), "\nwritten_by: kitops/v2.0.0-rc.1\nsave: H3KX\n") {
			t.Errorf("%s does not say who wrote it", text)
		}
	}
}

const foreign = "version: 1\ndocument:\n"

// keys are many, each written in a way.
func keys(count int, way string) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, way, i)
	}
	return b.String()
}

// TestManyKeysInManyMappings takes what is wide only all together.
func TestManyKeysInManyMappings(t *testing.T) {
	text := "a:\n" + keys(200, "  r%d:\n    x: {a: 1}\n    y:\n"+strings.Repeat("    - k: v\n      l: w\n", 30)) // 12,000 in sequences
	if _, err := document.Canonical([]byte(text)); err != nil {
		t.Error(err)
	}
}

func TestForeignSingleDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"":                                            "no version",
		"<Error><Code>x</Code></Error>":               "no version",
		"version: 2\nanything: {}\n":                  "written by a newer kitops: version 2",
		"version: 1\n":                                "no document",
		"version: 1\ndocument: 7\n":                   "not a mapping",
		"version: 1\ndocument: {}\nother: 1\n":        "not \"other: 1\"",
		"version: 1\ndocument: {}\ndocument: {}":      "twice",
		"version: 1\ndocument:\n  a: &x 1\n  b: *x\n": "a.yaml:3",
		"version: 1\ndocument:\n  a: " + strings.Repeat("x", 5<<20):   "larger than",
		foreign + "  a:\n" + strings.Repeat("  - a\n", 600_000):       "lines",
		foreign + "  a: [" + strings.Repeat("a,", 1_900_000) + "a]\n": "commas",
		foreign + keys(11_000, "  %d: v\n"):                           "keys in one mapping",
		foreign + "  a: {" + keys(11_000, "%d: v, ") + "}\n":          "keys in one mapping",
		foreign + strings.Repeat("  #\n", 900_000):                    "lines",
	} {
		_, err := document.Decode("a.yaml", []byte(text))
		if format, ok := errors.AsType[*document.FormatError](err); !ok || !strings.Contains(format.Error(), want) {
			t.Errorf("%.60q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := document.Encode([]byte("a: "+strings.Repeat("x", 5<<20)), "kitops", "1"); err == nil {
		t.Error("a document of 5 MB was taken")
	}
}
