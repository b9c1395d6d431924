package file

import (
	"fmt"
	"strings"
	"testing"
)

const formerSHA = "8e1f6a2b3c4d5e6f708192a3b4c5d6e7f8091a2b"

// formerBytes is formerSHA as serde writes the object ids of gix.
func formerBytes(indent string) string {
	var text strings.Builder
	for i := 0; i < len(formerSHA); i += 2 {
		var b byte
		_, _ = fmt.Sscanf(formerSHA[i:i+2], "%x", &b)
		fmt.Fprintf(&text, "%s- %d\n", indent, b)
	}
	return text.String()
}

func formerTask(name, sha string) string {
	return name + ":\n  next_run:\n    secs_since_epoch: 1670105500\n    nanos_since_epoch: 0\n  current_sha:" + sha
}

func TestStateOfTheFirstKitops(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string // task → SHA; nil: refused
	}{
		"hex":             {"---\n" + formerTask("shop", " "+formerSHA+"\n"), map[string]string{"shop": formerSHA}},
		"bytes":           {formerTask("shop", " !Sha1\n"+formerBytes("  ")), map[string]string{"shop": formerSHA}},
		"bytes of 0.8":    {formerTask("shop", "\n    Sha1:\n"+formerBytes("      ")), map[string]string{"shop": formerSHA}},
		"two":             {formerTask("a", " "+formerSHA+"\n") + formerTask("'b: c'", " "+formerSHA+"\n"), map[string]string{"a": formerSHA, "b: c": formerSHA}},
		"never succeeded": {formerTask("shop", " "+strings.Repeat("0", 40)+"\n"), map[string]string{}},
		"torn":            {formerTask("shop", " !Sha1\n  - 142\n  - 31\n"), nil},
		"no bytes":        {formerTask("shop", " !Sha1\n"+strings.ReplaceAll(formerBytes("  "), "- 142", "- 542")), nil},
		"more than that":  {formerTask("shop", " "+formerSHA+"\n  more: x\n"), nil},
		"nothing":         {"---\nshop:\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			docs, _, err := decode("state.yaml", []byte(c.text))
			if (err == nil) != (c.want != nil) || len(docs) != len(c.want) {
				t.Fatalf("%q, %v", docs, err)
			}
			for task, sha := range c.want {
				if got := string(docs[task]); !strings.Contains(got, sha) || !strings.HasPrefix(got, "current_sha: ") {
					t.Errorf("%s: %q", task, got)
				}
			}
			again, _, err := decode("state.yaml", encode(docs))
			if err != nil || len(again) != len(docs) {
				t.Errorf("saved: %q, %v", again, err)
			}
		})
	}
}
