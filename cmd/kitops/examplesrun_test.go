//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

func TestDocsExampleTerraform(t *testing.T) {
	s := newScene(t, apptest.Options{})
	repo := s.private("acme", "infrastructure")
	// Terraform, as far as kitops sees it.
	fake := "#!/bin/sh\ntest -f main.tf && echo \"$1 $TF_IN_AUTOMATION ${AWS_SHARED_CREDENTIALS_FILE##*/kitops-}\" >> " + s.path("called") + "\n"
	if err := os.Mkdir(s.path("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	settle := s.write("bin/terraform", fake)
	if err := os.Chmod(settle, 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+s.path("bin")+":"+os.Getenv("PATH"))
	main := repo.Push("main", map[string]string{"main.tf": "\n"})
	called := func(want ...string) {
		t.Helper()
		if got := strings.TrimSuffix(s.read("called"), "\n"); got != strings.Join(want, "\n") {
			t.Errorf("called\n%swant %q\n%s", got, want, s.read("out.log")+s.story())
		}
		s.write("called", "")
	}
	s.once(0, s.untimed("terraform/apply.yaml")...)
	called("init 1 apply/aws", "apply 1 apply/aws")
	s.once(0, s.untimed("terraform/plan.yaml")...)
	called()
	branch := repo.Push("bigger", map[string]string{"main.tf": "x\n"})
	s.once(0, s.untimed("terraform/plan.yaml")...)
	called("init 1 plan/aws", "plan 1 plan/aws")
	for sha, context := range map[string]string{main: "kitops/apply", branch: "kitops/plan"} {
		if all := repo.Statuses(sha); len(all) == 0 || all[len(all)-1].State != "success" || all[len(all)-1].Context != context {
			t.Errorf("statuses %+v", all)
		}
	}
}

func TestDocsExampleSystemd(t *testing.T) {
	scenic(t)
	s := newScene(t, apptest.Options{})
	root := s.path("srv")
	files := brings(t, "systemd", map[string]string{"Makefile": "all:\n\tmkdir -p bin && echo $$KITOPS_SHA > bin/shop\n"})
	flags := s.untimed("systemd/tasks.yaml", "/srv/shop", root)
	serves := func(sha string) {
		t.Helper()
		s.once(0, flags...)
		if got := s.read("srv/current/bin/shop") + s.read("srv/revision"); got != sha+"\n"+sha+"\n" {
			t.Errorf("it serves %q, want %s\n%s", got, sha, s.read("out.log"))
		}
	}
	first := s.shop.Push("main", files)
	serves(first)
	for range 6 {
		serves(s.shop.Push("main", nil))
	}
	if kept, _ := filepath.Glob(filepath.Join(root, "releases/*")); len(kept) != 5 {
		t.Errorf("%d releases are kept", len(kept))
	}
	// The units name what the script writes, and each other.
	service, path, restart := unit(t, "docs/examples/systemd/shop.service"), unit(t, "docs/examples/systemd/shop-restart.path"), unit(t, "docs/examples/systemd/shop-restart.service")
	if service["WorkingDirectory"] != "/srv/shop/current" || path["PathChanged"] != "/srv/shop/revision" || !strings.HasSuffix(restart["ExecStart"], " restart shop.service") {
		t.Errorf("%v\n%v\n%v", service, path, restart)
	}
	if service["User"] != unit(t, "docs/kitops.service")["KITOPS_ACTION_USER"] {
		t.Errorf("the service is %s", service["User"])
	}
	if analyze, err := exec.LookPath("systemd-analyze"); err == nil {
		units, _ := filepath.Glob("../../docs/examples/systemd/*.*")
		dir := t.TempDir()
		args := []string{"verify", "--man=no"}
		for _, unit := range units {
			if strings.HasSuffix(unit, ".md") || strings.HasSuffix(unit, ".yaml") {
				continue
			}
			text := strings.ReplaceAll(document(t, "docs/examples/systemd/"+filepath.Base(unit)), "/srv/shop/current/bin/shop", "/bin/true")
			at := filepath.Join(dir, filepath.Base(unit))
			if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, at)
		}
		if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
