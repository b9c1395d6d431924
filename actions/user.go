package actions

// User is whom actions run as, with what a caller needs to hand a working
// directory over. LookupUser makes one.
type User struct {
	Name, Home string
	Shell      string // the login shell, /bin/sh where /etc/passwd has none
	UID, GID   int
	Groups     []int // supplementary groups, GID among them
}
