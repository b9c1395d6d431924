package pack

// Place is where an object begins; a nil pack means that it is loose.
type Place struct {
	Pack   *Pack
	Offset int64
}
