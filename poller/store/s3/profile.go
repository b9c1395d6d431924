package s3

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// profile is what kitops takes from one in the shared files.
type profile struct {
	keys   aws.Credentials
	region string
}

// profileOf refuses profiles that need a program or a browser, or a role of another account.
func profileOf(values map[string]string) (profile, error) {
	p := profile{region: values["region"]}
	p.keys = aws.Credentials{AccessKeyID: values["aws_access_key_id"], SecretAccessKey: values["aws_secret_access_key"], SessionToken: values["aws_session_token"], Source: "profile"}
	if p.keys.HasKeys() {
		return p, nil
	}
	for _, key := range []string{"credential_process", "sso_session", "sso_start_url", "role_arn", "credential_source", "login_session"} {
		if values[key] != "" {
			return profile{}, errors.New("it has " + key + ", which kitops does not follow: it starts no program and opens no browser for credentials; give it keys, or the machine a role")
		}
	}
	return p, nil
}

// readProfiles reads a shared file into its sections. The files are small and their format is simpler than any library for it:
// [name], then key = value; indented lines are of keys that are not of interest here. One that is not there has none.
func readProfiles(path string) (map[string]map[string]string, error) {
	const most = 1 << 20
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > most:
		return nil, errors.New(path + " is not a file of profiles")
	}
	text := make([]byte, info.Size())
	n, err := file.ReadAt(text, 0)
	if n < len(text) && err != nil {
		return nil, err
	}
	return parseProfiles(string(text[:n])), nil
}

func parseProfiles(text string) map[string]map[string]string {
	sections := map[string]map[string]string{}
	var section map[string]string
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		line = strings.TrimSpace(line)
		switch {
		case line == "", line[0] == '#', line[0] == ';', indented:
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			name = strings.Join(strings.Fields(name), " ")
			if section = sections[name]; section == nil {
				section = map[string]string{}
				sections[name] = section
			}
		case section != nil:
			key, value, _ := strings.Cut(line, "=")
			value, _, _ = strings.Cut(value, " #")
			section[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return sections
}
