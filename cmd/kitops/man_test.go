package main

import (
	"bytes"
	"cmp"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var man = flag.String("man", "", "write the manual pages and the completions for shells into this folder")

// TestManualPages has a page for each command and a completion for each shell. A
// release has them as this test writes them, so that the program needs no
// library that makes them.
func TestManualPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), "0"))
	root := program{stdout: io.Discard, stderr: io.Discard}.command()
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	dir := t.TempDir()
	if *man != "" {
		dir = *man
	}
	pages, completions := filepath.Join(dir, "man"), filepath.Join(dir, "completions")
	for _, dir := range []string{pages, completions} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Manual: "kitops", Source: "kitops"}, pages); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"kitops.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"kitops.zsh":  root.GenZshCompletion,
		"kitops.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"kitops.ps1":  root.GenPowerShellCompletionWithDesc,
	} {
		var script bytes.Buffer
		if err := write(&script); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(completions, name), script.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	documented(t, root, pages)
}

// documented has the page of each command name its flags.
func documented(t *testing.T, cmd *cobra.Command, dir string) {
	t.Helper()
	if !cmd.IsAvailableCommand() && cmd.HasParent() {
		return
	}
	page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
	if err != nil {
		t.Error(err)
		return
	}
	text := strings.ReplaceAll(string(page), `\-`, "-")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !strings.Contains(text, "--"+f.Name) {
			t.Errorf("the page of %s has no --%s", cmd.CommandPath(), f.Name)
		}
	})
	for _, sub := range cmd.Commands() {
		documented(t, sub, dir)
	}
}
