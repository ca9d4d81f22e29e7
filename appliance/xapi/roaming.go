package xapi

// SessionReconnectTimer is how long requests wait at edge for a client that
// roams. The replaced product has no such setting.
var SessionReconnectTimer = Int{&Item{
	Path: "CollaborationEdge SessionPersistency TcpReconnectTimer", Kind: Integer, Min: 0, Max: 30, Default: "12",
	Role: Edge, New: true, Guide: "Session persistency",
	Help: "Seconds that a request for a client that agreed with call control on session persistency waits for its next connection once its last one has ended, before call control hears that it cannot be reached; 0: not at all.",
}}

func roamingItems() []*Item { return []*Item{SessionReconnectTimer.Item} }
