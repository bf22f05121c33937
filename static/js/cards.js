// Where the list is on the page.

export const lanes = () => document.getElementById("lanes");
export const cardOf = (requestId) => document.getElementById(`card-${requestId}`);
export const tab = () => lanes().dataset.tab;
