package index

const ReadBuffer = 64 << 10 // bytes
