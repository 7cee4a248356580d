/** Every sentence a person reads, in one place, so that another language is another module of this shape. */

export const t = {
  app: "Eyespot",
  skip: "Skip to content",
  nav: { live: "Live", review: "Review", timeline: "Timeline", zones: "Zones", services: "Services", health: "Health", settings: "Settings", main: "Main" },
  common: {
    close: "Close", save: "Save", saving: "Saving…", retry: "Try again", loading: "Loading…", all: "All", any: "Any",
    camera: "Camera", undo: "Undo", redo: "Redo", remove: "Remove", dismiss: "Dismiss", more: "Show more",
    copy: "Copy", copied: "Copied", discard: "Leave without saving your changes?",
  },
  errors: {
    status: (status: number) => `The camera answered with status ${status}.`,
    tryAgain: "Try again; if it goes on, look at the Health page.",
    unreachable: "The camera cannot be reached.",
    unreachableTodo: "Check that it runs and that this device is on its network. This page tries again by itself.",
    title: "That did not work",
  },
  signin: {
    title: "Sign in", lead: "to your cameras on this machine", username: "User name", password: "Password", action: "Sign in", busy: "Signing in…", show: "Show", hide: "Hide",
  },
  setup: {
    title: "Make it yours", lead: "This camera has no account yet. The one you make now owns it.", username: "User name", password: "Password",
    again: "Password again", action: "Create account", busy: "Creating…", differ: "The two passwords differ.",
    rule: "At least 10 characters; a short sentence is easier to remember than a riddle.", short: "Use at least 10 characters.",
    noLink: "Open the set-up link", noLinkText: "The program printed a one-time link when it first started. Open that link on this device to create the first account.",
    noLinkTodo: "Lost it? Restart the program: as long as there is no account it prints a fresh link.",
    done: "Already set up", doneText: "An account exists. Sign in with it.",
  },
  live: {
    title: "Live", cameras: (n: number) => (n === 1 ? "1 camera" : `${n} cameras`), empty: "No cameras yet",
    emptyText: "Add a camera in Settings: a network address (rtsp://…), a device (/dev/video0) or a file.", emptyAction: "Open settings",
    tracks: "Show tracks", fullscreen: "Full screen", exitFullscreen: "Leave full screen", snapshot: "Save a picture", open: "Open", back: "All cameras", mute: "Mute", unmute: "Sound on",
    picture: "Live picture of",
    facts: "About this camera", stream: "Stream", recording: "Recording", seen: "Seeing", frames: "Frames shown", missed: "Frames missed", since: "since",
    moving: "moving", still: "still", objects: (n: number) => (n === 1 ? "1 object" : `${n} objects`), latest: "Latest events", noEvents: "Nothing has happened here yet.", perSecond: "detections/s",
  },
  state: {
    live: "Live", connecting: "Connecting", stalled: "Stalled", lost: "Connection lost", refused: "Refused", unsupported: "Cannot play", backoff: "Waiting to reconnect", failed: "Failed", off: "Off",
    help: {
      live: "", connecting: "Waiting for the first picture.",
      stalled: "The camera sends no new pictures. It is asked again by itself; check its power and network if this stays.",
      lost: "No connection to this server. Trying again by itself.", refused: "The server closed the live view.",
      unsupported: "This browser cannot play this camera's video format. Use a current Chrome, Edge, Firefox or Safari, or set the camera to H.264.",
      backoff: "The camera did not answer; the next attempt comes by itself.", failed: "The camera cannot be opened. Look at Health for the reason.", off: "This camera is switched off in Settings.",
    } as Record<string, string>,
  },
  kinds: {
    object: "Visit", zone: "In zone", loiter: "Lingered", line: "Line crossed", occupancy: "Crowd", service: "Service",
    blind: "Too dark or bright", covered: "Lens covered", moved: "Camera moved", frozen: "Picture frozen", blurred: "Picture blurred",
    "signal-lost": "Signal lost", storage: "Storage trouble", process: "Program restarted", clock: "Clock jumped",
  } as Record<string, string>,
  review: {
    title: "Review", filters: "Filters", kind: "What happened", label: "Object", zone: "Zone or line", day: "Day", clear: "Clear filters", empty: "No events", emptyText: "Events appear here as soon as the camera sees something.",
    emptyFiltered: "Nothing matches these filters.", fresh: (n: number) => (n === 1 ? "1 new event" : `${n} new events`), ongoing: "happening now", end: "That is everything.",
    liveOn: "New events appear by themselves", liveOff: "Live updates are interrupted", today: "Today", yesterday: "Yesterday",
  },
  event: {
    title: "Event", picture: "Picture", clip: "Clip", path: "Path", start: "Start", duration: "Duration", score: "Certainty", zone: "Zone", track: "Track", where: "Open in timeline", download: "Download clip",
    savePicture: "Save picture", previous: "Newer event", next: "Older event", clipFailed: "This footage is not there (any more).", clipFailedTodo: "It may be too old, or still being written: try again in a few seconds.", ongoing: "still going on",
  },
  timeline: {
    title: "Timeline", play: "Play", pause: "Pause", stepBack: "Back one frame", stepForward: "Forward one frame", previous: "Earlier event", next: "Later event", speed: "Speed", zoomIn: "Zoom in", zoomOut: "Zoom out",
    export: "Export", exportTitle: "Export a clip", exportStart: "From", exportEnd: "To", exportAction: "Download MP4", exportSet: "Set to cursor", exportHint: "Drag the two handles on the timeline, or set them to the cursor.",
    noFootage: "Nothing was recorded at this moment.", noFootageTodo: "Choose a place with a filled bar on the timeline.", empty: "No recordings yet", emptyText: "The first footage appears about a second after the camera starts recording.",
    axis: "Time axis. Left and right arrows move by one second, with Shift by ten; plus and minus zoom; N and P go from event to event.", loading: "Loading footage…", ended: "End of the recording",
    day: "Day",
  },
  zones: {
    title: "Zones, lines and masks", select: "Select", addZone: "Draw zone", addLine: "Draw line", addMask: "Draw mask", list: "On this picture", empty: "Nothing drawn yet", emptyText: "A zone tells when something is inside it; a line counts what crosses it, each way; a mask hides what nobody may see.",
    zone: "Zone", line: "Line", mask: "Mask", name: "Name", labels: "Counts only", labelsHint: "None chosen means every kind of object.", loiter: "Lingering after (s)",
    most: "Crowded above (objects)", outputs: "Pulses", pulseOn: "They are pulsed when", pulses: { zone: "somebody is in the zone", loiter: "somebody stays too long", occupancy: "there are too many" }, flip: "Turn round", direction: "Crossing along the arrow counts as in.", in: "in", unsaved: "Not saved yet", saved: "Saved; it applies at once.", savedMasks: "Saved. The camera's streams are opened again, which takes some seconds.",
    maskNote: "A mask is burned into live view and recordings: nobody sees what is below it, vision neither. It costs this machine an encoder for each stream. Footage recorded before stays as it was.",
    hintZone: "Click the corners; click the first one, press Enter or double-click to close.", hintLine: "Click where the line starts and where it ends.", hintSelect: "Choose a shape to change it. Drag its points, or move them with the arrow keys.",
    hintKeys: "Keyboard: arrows move the cross, Space sets a point, Enter closes, Esc cancels.", nameTaken: "Another one has this name.", nameEmpty: "Give it a name.", canvas: "Drawing area", point: (n: number) => `Point ${n}`, delete: "Delete",
    snapshotFailed: "There is no picture yet: you can still draw, the shapes keep their place.", refresh: "Fresh picture",
  },
  health: {
    title: "Health", fine: "Everything works", attention: (n: number) => (n === 1 ? "1 thing needs attention" : `${n} things need attention`), uptime: "Running for", cameras: "Cameras", storage: "Storage", processes: "Processes",
    used: "used", free: "free", of: "of", restarts: "Restarts", memory: "Memory", pid: "Process", latency: "Seen after", recorded: "Recorded", bitrate: "Bit rate",
    counters: "All counters", noFindings: "All checks passed.", noProcesses: "No process has reported yet.", noRoots: "No storage is configured.",
    lowered: (rate: number, wanted: number) => `${Number(rate.toFixed(1))} of ${wanted} detections/s: this machine has no time for all that its cameras ask for.`,
    because: (reason: string) => `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`, loweredTodo: "Lower rates, or give what matters a higher priority in Settings.",
  },
  outputs: {
    title: "Outputs", on: "On", off: "Off", pulsing: "Pulsing", unknown: "Cannot be switched", turnOn: "Turn on", turnOff: "Turn off", pulse: "Pulse",
    pulses: (n: number) => (n === 1 ? "1 pulse" : `${n} pulses`), skipped: (n: number) => `${n} skipped`,
  },
  services: {
    title: "Services", lead: "Functions that somebody published to this camera. Each runs confined and gets what you grant it, nothing else.",
    empty: "No services yet", emptyText: "Send a package below. It says what it asks for before anything of it runs.", all: "All services",
    adminsOnly: "Services are for admins", adminsOnlyText: "Ask an admin of this camera, or sign in as one.",
    states: { installed: "Installed", starting: "Starting", running: "Running", backoff: "Waiting to start again", stopped: "Stopped", failed: "Failed", refused: "Refused", unhealthy: "Unhealthy" },
    start: "Start", stop: "Stop", restart: "Restart", back: (version: string) => `Back to ${version}`, backSure: (version: string) => `Go back to version ${version}?`,
    removeSure: (title: string) => `Remove ${title}, its settings and what it stored?`, removed: (title: string) => `${title} was removed.`,
    see: "It can see", use: "It can use", send: "It can send", nothing: "Nothing.",
    powers: "What it may do", powersHint: "In plain words, as the camera enforces it. Take a tick away and it can no longer do it.", camera: "For the camera",
    grantSave: "Apply", grantNote: "It is started anew with that.", granted: "Changed. It is started anew.",
    policy: { biometric: "Biometric", workplace: "Workplace", minors: "Minors", audio: "Audio" } as Record<string, string>,
    sampleAlt: (view: string) => `What the service sees as "${view}"`, sampled: (time: string) => `Cut at ${time}.`, again: "Cut again", noTracks: "No objects were known at that moment.",
    places: (n: number) => (n === 1 ? "The place of 1 object, no picture" : `The places of ${n} objects, no picture`), counted: (n: number) => (n === 1 ? "1 object, no picture and no place." : `${n} objects, no picture and no place.`),
    live: "Now", noLive: "It has said nothing about itself yet.", said: (time: string) => `said at ${time}`, values: { yes: "yes", no: "no", none: "–", more: (count: number) => `and ${count} more` },
    sendIt: "Send", sending: "Sending…", answered: "It answered:", sure: (title: string) => `${title}?`,
    settingsSaved: "Saved; the service knows.", noSettings: "It has no settings.",
    health: "How it is", noHealth: "It does not run.", history: "Last states", noHistory: "None yet.",
    counters: { uptime: "Running for", cpu: "Processor time", memory: "Memory", processes: "Processes", frames: "Frames handled", events: "Events", refusedEvents: "Events refused", errors: "Errors in it", messages: "Messages", refused: "Refused by the bus", deaths: "Ended unasked" },
    breach: (what: string, times: number) => `Over its budget: ${what.toLowerCase()}, ${times === 1 ? "once" : `${times} times`}`, refused: (where: string, n: number) => `${where}: ${n === 1 ? "1 refusal" : `${n} refusals`}`, lastRefusals: "Refused", refusers: { bus: "By the bus", events: "Of its events", outputs: "Of outputs", inference: "Of models", network: "By the network proxy", frames: "Of views", kernel: "By the kernel" } as Record<string, string>,
    log: "Its output", noLog: "It has written nothing.", refresh: "Load again",
    builtIn: "Came with the camera", builtInHint: "Off until you install them; confined like any other.", look: "Install…", isInstalled: "Installed",
    install: "Install a service", installHint: "Choose or drop an .eyespot-app file or an image (.oci.tar). Nothing is installed before you agree.", sendingPackage: "Sending the package…",
    wants: (title: string, version: string) => `${title} ${version} asks for this`, update: (title: string, old: string, version: string) => `${title}: from ${old} to ${version}`,
    by: (vendor: string) => `It says that ${vendor} made it.`, byNobody: "It does not say who made it.", unsigned: "Packages are not signed: compare the SHA-256 with its maker's.",
    consent: "Grant and install", refuse: "Throw away", installed: (title: string, version: string) => `${title} ${version} is installed.`,
  },
  settings: {
    title: "Settings", account: "Account", tokens: "Access tokens", appearance: "Appearance", theme: "Colours", system: "As the system", dark: "Dark", light: "Light", saved: "Settings saved. They apply at once.", savedSome: "Settings saved. Some apply after a restart.", restart: "Saved, but not in force yet. Takes effect after a restart of the program:", stale: "The configuration changed meanwhile.",
    staleTodo: "Load it again and repeat your change.", reload: "Load again", add: "Add", unset: "Not set", secret: "Hidden. Leave as it is to keep it.", invalid: "Some settings are not accepted.", nothing: "Nothing to set here.",
    drawPart: "Draw a part", gone: "(not there)", noZones: "The camera has no zones yet: draw them on the Zones page.",
    current: "Current password", fresh: "New password", change: "Change password", changed: "Password changed. All other devices were signed out.", signOut: "Sign out", signedInAs: "Signed in as", tokenName: "Name of the new token", tokenHint: "For programs that talk to this camera. A token can do what you can.",
    tokenMake: "Create token", tokenOnce: "Copy it now: it is shown only this once.", tokenNone: "No tokens.", created: "Created", lastUsed: "last used", never: "never", revoke: "Revoke", revoked: "Token revoked.", unsaved: "You have changes that are not saved.", revert: "Revert", default: "default", on: "On", off: "Off", countSet: (n: number) => `${n} set`,
  },
  help: {
    title: "Keyboard shortcuts", open: "Keyboard shortcuts",
    groups: [
      { title: "Everywhere", keys: [["?", "This sheet"], ["g l", "Live"], ["g r", "Review"], ["g t", "Timeline"], ["g z", "Zones"], ["g v", "Services"], ["g h", "Health"], ["g s", "Settings"]] },
      { title: "Live", keys: [["o", "Tracks on or off"], ["f", "Full screen"], ["s", "Save a picture"], ["Esc", "Back to all cameras"]] },
      { title: "Timeline", keys: [["Space", "Play or pause"], ["← →", "One second; with Shift ten"], [", .", "One frame"], ["n p", "Next or previous event"], ["+ −", "Zoom"]] },
      { title: "Zones", keys: [["z", "Draw a zone"], ["l", "Draw a line"], ["m", "Draw a mask"], ["Enter", "Close the shape"], ["Del", "Delete"], ["Ctrl Z", "Undo"], ["Ctrl S", "Save"]] },
      { title: "Review", keys: [["← →", "Newer or older event, in the detail view"]] },
    ],
  },
};

/** Words for a kind of event, also for one this version does not know. */
export function kindName(kind: string): string {
  return t.kinds[kind] ?? kind.replaceAll("-", " ");
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
