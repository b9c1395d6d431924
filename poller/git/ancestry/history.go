package ancestry

// FullHistory is a history without an end.
const FullHistory = -1
