package remote

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the format of known_hosts hashes names with it
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

const maxKnownHosts = 64 << 20 // bytes of a file

// Marks of a line, SSH_KNOWN_HOSTS FILE FORMAT of sshd(8).
const (
	markAuthority = "@cert-authority"
	markRevoked   = "@revoked"
)

// knownLine is a line of known_hosts.
type knownLine struct {
	file   string
	number int
	marker string // "", markAuthority or markRevoked
	hosts  string // patterns, or a hash
	key    ssh.PublicKey
}

// readKnownHosts reads the lines that it understands. Others are skipped, as
// OpenSSH does: one line of another program must not stop every task.
func readKnownHosts(file string) ([]knownLine, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil, nil
	}
	if err == nil && info.Mode().IsRegular() && info.Size() > maxKnownHosts {
		err = fmt.Errorf("%s has more than %d bytes", file, maxKnownHosts)
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil, err // /dev/null has no keys
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var lines []knownLine
	for n, text := range strings.Split(string(content), "\n") {
		if line, ok := parseKnownLine(text); ok {
			line.file, line.number = file, n+1
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func parseKnownLine(text string) (knownLine, bool) {
	fields := strings.Fields(text)
	if len(fields) == 0 || fields[0][0] == '#' {
		return knownLine{}, false
	}
	var line knownLine
	if fields[0][0] == '@' {
		if line.marker = fields[0]; line.marker != markAuthority && line.marker != markRevoked {
			return line, false
		}
		fields = fields[1:]
	}
	if len(fields) < 3 {
		return line, false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return line, false
	}
	line.hosts = fields[0]
	line.key, err = ssh.ParsePublicKey(blob)
	return line, err == nil && line.key.Type() == fields[1]
}

// names says whether the line is one of a host, which is [name]:port where the
// port is not 22.
func (l *knownLine) names(host string) bool {
	if hash, ok := strings.CutPrefix(l.hosts, "|1|"); ok {
		salt, sum, _ := strings.Cut(hash, "|")
		key, err := base64.StdEncoding.DecodeString(salt)
		want, err2 := base64.StdEncoding.DecodeString(sum)
		if err != nil || err2 != nil {
			return false
		}
		h := hmac.New(sha1.New, key)
		_, _ = h.Write([]byte(host))
		return hmac.Equal(h.Sum(nil), want)
	}
	return matchSSH(strings.Split(l.hosts, ","), host, true)
}
