# apt with lists, status and archives of its own, for scripts that unpack packages: nothing is installed, and root is
# not asked. Needs `here`, a folder, and `give_up`.

debian_mirror() {
	[ -n "${MIRROR:-}" ] && echo "$MIRROR" && return
	apt-get indextargets --format '$(SITE)' 'Label: Debian' 'Created-By: Packages' | head -1
}

# Lines of sources.list, without the mirror: "deb sid main". From then on apt-get is that of $here.
begin_apt() { # ARCHITECTURE LINE...
	local site signed= line
	command -v apt-get > /dev/null || give_up "no apt-get here"
	site=$(debian_mirror)
	[ -n "$site" ] || give_up "apt has no Debian mirror here; name one: MIRROR=http://..."
	[ -r /usr/share/keyrings/debian-archive-keyring.gpg ] && signed=" [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
	mkdir -p "$here"/apt/{state/lists/partial,cache/archives/partial}
	touch "$here/apt/status"
	for line in "${@:2}"; do
		echo "${line%% *}$signed $site ${line#* }"
	done > "$here/apt/sources.list"
	cat > "$here/apt/conf" <<-END
		Dir::State "$here/apt/state";
		Dir::State::status "$here/apt/status";
		Dir::Cache "$here/apt/cache";
		Dir::Etc::sourcelist "$here/apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::Retries "2";
	END
	export APT_CONFIG=$here/apt/conf
	apt-get -qq update || give_up "cannot read the lists of $site"
}

unpack_deb() { # FILE FOLDER [TAR-OPTION...]
	dpkg-deb --fsys-tarfile "$1" | tar x -C "$2" --no-same-owner "${@:3}"
}
