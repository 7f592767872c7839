// Runs before the first paint, so that a chosen theme and language never flash.
(function () {
  try {
    var theme = localStorage.getItem('logagent.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    var language = localStorage.getItem('logagent.language');
    if (language) document.documentElement.lang = language;
  } catch (error) { /* storage can be forbidden: the system's theme is used */ }
})();
