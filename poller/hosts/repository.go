package hosts

import "strings"

// Repository reduces the address of a repository to what people mean by it,
// HOST/PATH in lower case: https or ssh, with or without .git. It is for
// hints and for finding twins, not for deciding who gets credentials.
func Repository(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
		if host, path, scp := strings.Cut(url, ":"); scp && !strings.Contains(host, "/") {
			rest = host + "/" + path
		}
	}
	host, path, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndex(host, "@")+1:]
	if name, _, port := strings.Cut(host, ":"); port && strings.HasPrefix(url, "ssh://") {
		host = name
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	return strings.ToLower(host + "/" + path)
}

// Of is the host in the address of a repository or of an owner, see [Repository].
func Of(url string) string {
	host, _, _ := strings.Cut(Repository(url), "/")
	return host
}

// Contains tells whether a repository is the one of another address, or one of
// the owner's that this is the address of.
func Contains(url, repository string) bool {
	whole, part := Repository(url), Repository(repository)
	return whole == part || strings.HasPrefix(part, whole+"/")
}

// SameAddress compares two addresses letter by letter, but for .git and slashes
// at the end. Only such two may share credentials. Neither may hold any.
func SameAddress(a, b string) bool { return trimmed(a) == trimmed(b) }

func trimmed(url string) string { return strings.TrimSuffix(strings.TrimRight(url, "/"), ".git") }
