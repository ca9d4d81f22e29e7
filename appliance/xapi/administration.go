package xapi

// Who may reach the shell over the network.
var (
	AdministrationSSHMode = Bool{&Item{
		Path: "Administration SSH Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Effect: CutsOff, Guide: "Administration",
		Help: "Lets administrators reach the shell over SSH.",
	}}
	AdministrationSSHPort = Int{&Item{
		Path: "Administration SSH Port", Kind: Integer, Min: 1, Max: 65534, Default: "22",
		Role: Both, Effect: CutsOff, Guide: "Administration", New: true,
		Help: "TCP port on which the shell listens for SSH.",
	}}
	AdministrationSSHAuthorizedKey = Str{&Item{
		Path: "Administration SSH AuthorizedKey [1..16] Key", Kind: String, Max: 2048,
		Role: Both, Effect: CutsOff, Guide: "Administration", New: true,
		Help: "Public key, in authorized_keys form, whose holder may open the shell as admin.",
	}}
)

func administrationItems() []*Item {
	return []*Item{AdministrationSSHMode.Item, AdministrationSSHPort.Item, AdministrationSSHAuthorizedKey.Item}
}
