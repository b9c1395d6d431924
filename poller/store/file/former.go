package file

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
)

// formerLine is a line of the state of the first kitops (in Rust): of each task the time of its next run, and the name of the
// commit that it succeeded with last, in hex or as bytes.
const formerLine = `^(?:---|(\S.*):|  next_run:|    (?:secs|nanos)_since_epoch: \d+|` +
	`  current_sha:(?: !Sha1| ["']?([0-9a-f]{40})["']?)?|    Sha1:| *- (\d{1,3}))$`

// former is a task as the first kitops remembered it.
type former struct{ name, sha, bytes string }

// commit is in hex; "" is none.
func (f former) commit() string {
	if f.sha == "" {
		return hex.EncodeToString([]byte(f.bytes))
	}
	return f.sha
}

// decodeFormer makes documents of a whole file of the first kitops, each with the key current_sha. It is false for any other
// file. A task that never succeeded has nothing to remember.
func decodeFormer(text string) (store.Documents, bool) {
	known := regexp.MustCompile(formerLine) // here, since it is hardly ever needed
	var tasks []former
	for line := range strings.Lines(text) {
		m := known.FindStringSubmatch(strings.TrimRight(line, " \n"))
		if m == nil {
			return nil, false
		}
		if m[1] != "" {
			tasks = append(tasks, former{})
			if yaml.Unmarshal([]byte(m[1]), &tasks[len(tasks)-1].name) != nil {
				return nil, false
			}
			continue
		}
		if len(tasks) == 0 {
			continue
		}
		last := &tasks[len(tasks)-1]
		last.sha += m[2]
		if m[3] != "" {
			b, err := strconv.ParseUint(m[3], 10, 8)
			if err != nil {
				return nil, false
			}
			last.bytes += string([]byte{byte(b)})
		}
	}
	docs := store.Documents{}
	for _, t := range tasks {
		commit := t.commit()
		if len(commit) != 40 || t.name == "" {
			return nil, false
		}
		if strings.Trim(commit, "0") != "" {
			docs[t.name] = []byte("current_sha: \"" + commit + "\"\n")
		}
	}
	return docs, len(tasks) > 0
}
