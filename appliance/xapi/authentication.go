package xapi

// Local administrator accounts.
var (
	AdminAccountName = Str{&Item{
		Path: "Authentication Account Admin Account [1..15] Name", Kind: String, Max: 128,
		Role: Both, Guide: "Administrator accounts",
		Help:    "Login name of a local administrator.",
		Differs: "the replaced product prints no upper index; 15 accounts are kept here",
	}}
	AdminAccountPassword = Secret{&Item{
		Path: "Authentication Account Admin Account [1..15] Password", Kind: PasswordHash, Max: 1024,
		Role: Both, Effect: CutsOff, Guide: "Administrator accounts",
		Help:    "Password of a local administrator, kept only as a hash; empty refuses password login.",
		Differs: "the replaced product prints no upper index; 15 accounts are kept here",
	}}
	AdminAccountEnabled = Bool{&Item{
		Path: "Authentication Account Admin Account [1..15] Enabled", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Effect: CutsOff, Guide: "Administrator accounts",
		Help:    "Lets the account log in.",
		Differs: "the replaced product prints no upper index; 15 accounts are kept here",
	}}
)

func authenticationItems() []*Item {
	return []*Item{AdminAccountName.Item, AdminAccountPassword.Item, AdminAccountEnabled.Item}
}
