package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestEndsOfKeysAreTold of tasks that verify, those of the first keys that end; and what people call a key spoils nothing.
func TestEndsOfKeysAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.looked("shop")
	w.remembers("shop", mainRef, a, w.tasks["shop"].State.Refs[mainRef])
	w.remembers("blog", mainRef, a, w.tasks["blog"].State.Refs[mainRef])
	w.wantNone("verify_key")
	w.keys = map[string][]KeyEnd{"blog": {{"anna \"\n\x1b", "SHA256:x", time.Unix(1_700_000_000, 5)}}, "gone": {{"ben", "SHA256:y", time.Unix(1, 0)}}}
	for n := range 3 * maxKeys {
		w.keys["shop"] = append(w.keys["shop"], KeyEnd{"anna", fmt.Sprintf("SHA256:%d", n), time.Unix(int64(n), 0)})
	}
	told := map[string]int{}
	for series := range w.scrape() {
		if rest, is := strings.CutPrefix(series, `verify_key_expires_timestamp_seconds{task="`); is {
			task, _, _ := strings.Cut(rest, `"`)
			told[task]++
		}
	}
	if len(told) != 2 || told["shop"] != maxKeys || told["blog"] != 1 {
		t.Errorf("keys told: %v", told)
	}
	w.want(`verify_key_expires_timestamp_seconds{task="shop",signer="anna",key="SHA256:7"}`, 7)
	w.want(`verify_key_expires_timestamp_seconds{task="blog",signer="anna \"\\n\\x1b",key="SHA256:x"}`, 1_700_000_000)
}
