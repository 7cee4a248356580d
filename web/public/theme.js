// Runs before the first paint so that a chosen theme never flashes; a file of its own because the page allows no inline script.
try {
  const theme = localStorage.getItem("eyespot.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be refused by the browser; the system's colours then apply.
}
