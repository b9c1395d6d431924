package github

import (
	"fmt"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

const (
	maxSummary = 60_000 // bytes
	maxCommits = 20     // that are listed
)

// Commit is one that a run brings.
type Commit struct{ SHA, Subject string }

// summary says in Markdown how a run stands. All foreign words in it are code, which cannot be links, pictures or mentions.
func summary(run poller.Run, seen record, commits []Commit, member, link string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Task %s, %s at %s", code(run.Task), code(run.Revision.Name()), code(short(run.Revision.SHA)))
	if run.Attempt > 1 {
		fmt.Fprintf(&b, ", attempt %d", run.Attempt)
	}
	if member != "" {
		fmt.Fprintf(&b, ", on %s", code(member))
	}
	if run.Signer != "" {
		fmt.Fprintf(&b, ", signed by %s", code(run.Signer))
	}
	if run.ApprovedBy != "" {
		fmt.Fprintf(&b, ", approved by %s", code(run.ApprovedBy))
	}
	b.WriteString(".\n")
	if run.Reason != "" && (run.Outcome != poller.Pending || run.Waits != "") {
		fmt.Fprintf(&b, "\n%s\n", code(run.Reason))
	}
	if run.Outcome == poller.Pending && run.Waits == poller.ForApproval {
		fmt.Fprintf(&b, "\n*Approve*, a button of this check, lets it run. Whoever clicks on it has to have write access to the repository. On the machine of kitops the same is %s\n", code("kitops approve "+run.Task+" "+short(run.Revision.SHA)))
	}
	if len(seen.actions) > 0 {
		b.WriteString("\n| Action | Took |\n|---|---|\n")
		for i, a := range seen.actions {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(a.name), took(run, a, i == len(seen.actions)-1))
		}
		if seen.more > 0 {
			fmt.Fprintf(&b, "\nand %d more\n", seen.more)
		}
	}
	if len(commits) > 0 {
		fmt.Fprintf(&b, "\nSince %s, which was applied before:\n\n", code(short(run.Previous)))
		for i, c := range commits {
			if i == maxCommits {
				b.WriteString("- and more\n")
				break
			}
			fmt.Fprintf(&b, "- %s %s\n", code(short(c.SHA)), code(c.Subject))
		}
	}
	if seen.lost > 0 {
		fmt.Fprintf(&b, "\n%d more annotations than are shown.\n", seen.lost)
	}
	if link != "" {
		fmt.Fprintf(&b, "\n[This run on kitops' page](<%s>)\n", strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "").Replace(link))
	}
	return cutBytes(b.String(), maxSummary)
}

// took is how long an action took. Of one that goes on nothing is said that changes by itself.
func took(run poller.Run, a acted, last bool) string {
	end := a.ended
	switch {
	case !end.IsZero():
	case run.Outcome == poller.Pending:
		return "running"
	default:
		end = run.Finished
	}
	text := max(0, end.Sub(a.began)).Round(time.Millisecond).String()
	if d := end.Sub(a.began); d > time.Second {
		text = d.Round(100 * time.Millisecond).String()
	}
	if last && run.Outcome != poller.Success && run.Outcome != poller.Pending && run.Action == a.name {
		text += ", " + string(run.Outcome)
	}
	return text
}

func short(sha string) string { return sha[:min(7, len(sha))] }

// code makes foreign words a code span of one line: their marks mean nothing there.
func code(text string) string {
	text = redact(status.Printable(strings.Join(strings.Fields(text), " ")))
	if text == "" {
		return "-"
	}
	fence := fenceOf(text, 1)
	return fence + " " + cutBytes(text, 1000) + " " + fence
}

// cell is code within a table, where a bar would end it.
func cell(text string) string { return code(strings.ReplaceAll(text, "|", "¦")) }

// fenceOf is one of backticks that is longer than any in a text.
func fenceOf(text string, least int) string {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return strings.Repeat("`", max(least, longest+1))
}

// logText is the end of what a run printed, in at most 64,000 bytes, cut at a line.
func logText(seen record) string {
	if len(seen.tail) == 0 {
		return ""
	}
	lines := seen.tail
	head := ""
	if seen.cut {
		head = "The end of the output:\n\n"
	}
	whole := strings.Join(lines, "\n")
	fence := fenceOf(whole, 3)
	for room := maxTail - len(head) - 2*len(fence) - 2; len(whole) > room; {
		head = "The end of the output:\n\n"
		if _, rest, more := strings.Cut(whole, "\n"); more {
			whole = rest
			continue
		}
		whole = cutBytes(whole, room)
	}
	return head + fence + "\n" + whole + "\n" + fence
}
