package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConfigAsSSH compares with what ssh -G makes of the same file.
func TestConfigAsSSH(t *testing.T) {
	for config, hosts := range map[string][]string{
		"Host a b*\n  Port 1\nHost *\n  Port 2\n  User u\n":                                                                             {"a", "bc", "c", "A"},
		"Host * !x !*.org\n  HostName h-%h\nHost *\n HostName z\n":                                                                      {"x", "y", "a.org"},
		"Host=a\nPort=7\nUser = \"me\" # mine\nIdentityFile \"/a b/c\"\nIdentityFile /d\n":                                              {"a", "b"},
		"IdentityFile /first\nMatch host b\n  IdentityFile /b\nMatch all\n  IdentityFile /last\n":                                       {"a", "b"},
		"Host n\n HostName REAL.example\nMatch host real.*\n Port 5\nMatch originalhost n\n User x\n":                                   {"n", "m"},
		"Match !host a\n  Port 9\nMatch host a,!ab user nobody\n  Port 10\n":                                                            {"a", "ab", "c"},
		"User me\nMatch user me\n  Port 11\nMatch user you\n  Port 12\n":                                                                {"a"},
		"HostKeyAlias al\nCertificateFile /c1\nCertificateFile /c2\nIdentityAgent /s\nIdentitiesOnly yes\nUserKnownHostsFile /k1 /k2\n": {"a"},
		"  host a\r\n\tport 3\r\n": {"a"},
	} {
		home := t.TempDir()
		file := filepath.Join(home, ".ssh", "config")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, host := range hosts {
			out, err := exec.Command("ssh", "-G", "-F", file, host).CombinedOutput()
			if err != nil {
				t.Fatalf("ssh -G %s: %v\n%s", host, err, out)
			}
			want := map[string][]string{}
			for line := range strings.Lines(string(out)) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
				want[key] = append(want[key], value)
			}
			c := &sshConfig{home: home, host: host}
			if err := c.read(file); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{
				"hostname": strings.ToLower(c.name()), "port": first(c.get("Port"), "22"), "user": first(c.get("User"), want["user"][0]),
				"hostkeyalias": c.get("HostKeyAlias"), "identityagent": c.get("IdentityAgent"), "certificatefile": strings.Join(c.values["certificatefile"], "|"),
			}
			if files := c.values["identityfile"]; len(files) > 0 {
				got["identityfile"] = strings.Join(files, "|")
			}
			if files := c.values["userknownhostsfile"]; len(files) > 0 {
				got["userknownhostsfile"] = strings.Join(files, " ")
			}
			for key, value := range got {
				if said := strings.Join(want[key], "|"); value != said {
					t.Errorf("%s of %s is %q, ssh says %q, with\n%s", key, host, value, said, config)
				}
			}
		}
	}
}

// TestIncludes are bounded, and those of another host do not count.
func TestIncludes(t *testing.T) {
	home := t.TempDir()
	for name, content := range map[string]string{
		"config": "Host other\n  Include for-other\nHost me\n  Include for-me\n  Port 1\nInclude ~/.ssh/*.conf\n", "for-other": "User wrong\n",
		"for-me": "User right\nHost nobody\n  Port 9\n", "a.conf": "HostName found\n", "loop": "Include loop\n",
	} {
		if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := &sshConfig{home: home, host: "me"}
	if err := c.read(filepath.Join(home, ".ssh", "config")); err != nil || c.get("User") != "right" || c.get("Port") != "1" || c.get("HostName") != "found" {
		t.Error(err, c.values)
	}
	if err := c.read(filepath.Join(home, ".ssh", "loop")); err == nil || !strings.Contains(err.Error(), "include each other") {
		t.Error(err)
	}
}

func FuzzSSHConfig(f *testing.F) {
	f.Add("Host a\n  Port 1\nMatch host b exec \"x\"\n")
	f.Add("Match user")
	f.Fuzz(func(t *testing.T, text string) {
		for line := range strings.Lines(text) {
			_, words, ok := sshWords(line)
			if len(words) > len(line) {
				t.Error("more words than bytes")
			}
			if ok && len(words) > 0 {
				(&sshConfig{values: map[string][]string{}}).match(words, "x:1")
			}
			_, _ = parseKnownLine(line)
		}
	})
}

// TestWildcardsAreBounded would take years if stars were tried in all ways.
func TestWildcardsAreBounded(t *testing.T) {
	began := time.Now()
	if matchWildcards(strings.Repeat("*a", 50)+"b", strings.Repeat("a", 10_000)) || time.Since(began) > 5*time.Second {
		t.Error("matched, or too slow")
	}
}
