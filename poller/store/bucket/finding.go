package bucket

import (
	"fmt"
	"strings"
)

// Finding is what an inspection says of a bucket.
type Finding struct {
	Text   string
	Remedy string // empty: all is well
}

// Versions says what a bucket that keeps each version of an object means for kitops.
func Versions(where string) Finding {
	return Finding{
		where + " keeps every version of what is replaced, which are thousands of a document a day",
		"have a lifecycle rule end old versions after a day, as docs/many-instances.md shows",
	}
}

// servers were seen to let several writers win where the writers reached different nodes of theirs, which a probe may not find,
// or to honour no conditions. Each is the beginning of what it says of itself.
func servers() map[string]string {
	return map[string]string{
		"seaweedfs":    "SeaweedFS was seen to check conditions one after another, not under concurrency (seaweedfs issue 8800)",
		"rustfs":       "RustFS was seen to let several writers win that use different nodes of it (rustfs issue 1659)",
		"uploadserver": "Google Cloud Storage has no If-Match by ETag",
	}
}

// Known warns of servers that have failed others, by their Server header. Many say nothing, or what stands before them; versitygw
// says no version.
func Known(server string) (Finding, bool) {
	for begins, problem := range servers() {
		if strings.HasPrefix(strings.ToLower(server), begins) {
			return Finding{fmt.Sprintf("the server says that it is %s: %s", server, problem), "use another server, or one node of it, and watch out for \"the store lied\""}, true
		}
	}
	return Finding{}, false
}
