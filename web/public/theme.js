// Runs before the first paint so that a reader in the dark never sees a white flash.
// A file of its own because the content-security policy allows no inline script.
;(function () {
  var choice = 'system'
  try {
    choice = localStorage.getItem('kubilitics.theme') || 'system'
  } catch {
    // Storage may be blocked; the system's preference then decides.
  }
  var light = choice === 'light' || (choice === 'system' && matchMedia('(prefers-color-scheme: light)').matches)
  document.documentElement.dataset.theme = light ? 'light' : 'dark'
})()
