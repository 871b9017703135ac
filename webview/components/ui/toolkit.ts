import { provideVSCodeDesignSystem, vsCodeButton } from '@vscode/webview-ui-toolkit';

/**
 * Registers the toolkit's elements that are used; whoever shows one imports this. It is the button alone: a page has few, and
 * theirs are as VS Code's own. Its other elements are left to native ones, which are smaller and better known to screen
 * readers (its text field, for one, replaces the name that it is given when it is put into the document).
 */
provideVSCodeDesignSystem().register(vsCodeButton());
