package xapi

// Media ports, and edge's ports for the link.
var (
	MediaPortStart = Int{&Item{
		Path: "Traversal Media Port Start", Kind: Integer, Min: 1024, Max: 65532, Default: "36000",
		Role: Both, Effect: NewOnly, Guide: "Media",
		Help: "Lowest UDP port for media.",
	}}
	MediaPortEnd = Int{&Item{
		Path: "Traversal Media Port End", Kind: Integer, Min: 1025, Max: 65533, Default: "59999",
		Role: Both, Effect: NewOnly, Guide: "Media",
		Help: "Highest UDP port for media.",
	}}
	MediaDemuxRTPPort = Int{&Item{
		Path: "Traversal Server Media Demultiplexing RTP Port", Kind: Integer, Min: 1024, Max: 65533, Default: "2776",
		Role: Both, Effect: NewOnly, Guide: "Media", New: true,
		Help: "UDP port on which edge takes the media of all calls from core; the same on both nodes.",
	}}
	MediaDemuxRTCPPort = Int{&Item{
		Path: "Traversal Server Media Demultiplexing RTCP Port", Kind: Integer, Min: 1024, Max: 65533, Default: "2777",
		Role: Both, Effect: NewOnly, Guide: "Media", New: true,
		Help: "UDP port on which edge takes the RTCP of all calls from core; the same on both nodes.",
	}}
	TraversalSSHPort = Int{&Item{
		Path: "Traversal Server SSH Port", Kind: Integer, Min: 1024, Max: 65534, Default: "2222",
		Role: Both, Effect: Reconnects, Guide: "Traversal zones", New: true,
		Help: "TCP port on which edge takes core's tunnels for HTTP and control, and which core dials.",
	}}
)

func traversalItems() []*Item {
	return []*Item{
		MediaPortStart.Item, MediaPortEnd.Item, MediaDemuxRTPPort.Item,
		MediaDemuxRTCPPort.Item, TraversalSSHPort.Item,
	}
}
