package settings

import "fmt"

// What a commit is told of a run.
const (
	reportStatus = "status"
	ReportCheck  = "check"
	reportOff    = "off"

	logNone = "none"
)

// reportKind is "" for what is usual.
func reportKind(text string) string {
	if text == reportStatus {
		return ""
	}
	return text
}

// shownLogs are sentences on what leaves this machine by check runs, and on what would if there were any.
func (s Settings) shownLogs() []string {
	var all []string
	for _, t := range s.Tasks {
		switch {
		case t.GitHub == nil || t.GitHub.CheckLog == "":
		case t.GitHub.Report != ReportCheck:
			all = append(all, fmt.Sprintf("task %s: github.check_log is %s, but github.report is not check: no log is shown", t.Name, t.GitHub.CheckLog))
		case t.GitHub.CheckLog == "public":
			all = append(all, fmt.Sprintf("task %s: github.check_log is public: the end of what its actions print leaves this machine, and everybody can read it where the repository is public", t.Name))
		default:
			all = append(all, fmt.Sprintf("task %s: github.check_log is tail: the end of what its actions print leaves this machine, for all who can read the repository", t.Name))
		}
	}
	return all
}
