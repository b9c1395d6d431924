package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// inShortForm are the scenes that the short form plays. For the others the tests
// of the rooms stand, or one of these that shows the like.
func inShortForm(name string) bool {
	switch name {
	case "TestActionUpgradesItsAgent", "TestNewProgramThatDies",
		"TestActionsFromTheRepository", "TestPrivateRepositoryWithStatuses", "TestLongNamesAreCut",
		"TestDeliveryStartsAnAction", "TestDeliveryLog", "TestUnwantedDeliveries", "TestReplaysAreBounded",
		"TestNewcomerSetsUpAndRuns", "TestDocsFiveMinutes", "TestDoctorFindsFaults",
		"TestGitHubTokenOfAnAction", "TestNothingSecretIsWritten", "TestPlainHTTPGetsNoToken",
		"TestRepositoriesComeAndGo", "TestRenamedRepositoryIsKnownByItsID", "TestThreeHundredRepositories",
		"TestOutageOfTheAPI", "TestHourlyLimit", "TestMetricsOfAPush":
		return true
	}
	return false
}

// scenic leaves a scene to the whole form, unless the short form has it, too.
func scenic(t *testing.T) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	if testing.Short() && !inShortForm(name) {
		t.Skip("another stands for it in the short form, see inShortForm")
	}
}

// TestShortFormHasEveryCommand has somebody who is quick see a command that is broken.
func TestShortFormHasEveryCommand(t *testing.T) {
	t.Parallel()
	played := ""
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(len(scripts), err)
	}
	for _, path := range scripts {
		script, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(script), "\n[short] skip") {
			played += string(script)
		}
	}
	elsewhere := map[string]string{ // by a test in Go that the short form has
		"kitops setup":      "TestNewcomerSetsUpAndRuns",
		"kitops credential": "TestGitHubTokenOfAnAction",
		"kitops state":      "TestStateCopy",
		"kitops state copy": "TestStateCopy",
		"kitops members":    "TestMembersOfABucket",
	}
	p := program{stdout: io.Discard, stderr: io.Discard, options: settings.NewOptions()}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
			path := sub.CommandPath()
			if !regexp.MustCompile(regexp.QuoteMeta(path)+`\b`).MatchString(played) && elsewhere[path] == "" {
				t.Errorf("no scene of the short form runs %s", path)
			}
		}
	}
	walk(p.command())
}
