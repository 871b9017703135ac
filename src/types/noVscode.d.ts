// What `vscode` resolves to outside the editor side: no module at all, so importing it does not compile.
